"""scenes: proves. A virtual world for the core, the demonstration, replay and benchmarks."""
