"""Pacing: the same engines given to several rate controllers on paper, and what a listener would have heard."""
