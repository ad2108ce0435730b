"""The scenes, one file each: what is played, and the limits that must hold."""
