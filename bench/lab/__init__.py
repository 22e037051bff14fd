"""What the drivers of the benchmarks share: allocators, interleaved runs, statistics, callgrind."""
