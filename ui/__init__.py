"""ui: faces people and programs. The command line, the plots; only here everything meets."""
