"""adapters: talks to engines and devices. One folder a role; `base.py` says what each must do."""
