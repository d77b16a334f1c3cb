"""Parts of tools/bench_speed: its contestants, the stages of the chain, and a live run."""
