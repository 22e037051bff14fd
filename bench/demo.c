/* The demonstration of `./eddy run`: bursts of small objects, all allocated, then all freed, again
 * and again; then an idle moment. Prints one line per figure: name, tab, value.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    BLOCKS_MAX = 100000,
    WARM_UP_ROUNDS = 10,
    PAIRS = 4000000, /* per burst size: every row does the same work */
    IDLE_MS = 1500,
};

static const struct burst {
    const char *name;
    size_t size;
    size_t blocks;
} bursts[] = {
    {"64 B x 100,000, ns per malloc and free", 64, 100000},
    {"512 B x 30,000, ns per malloc and free", 512, 30000},
    {"1 KiB x 60,000, ns per malloc and free", 1024, 60000},
};

static void *blocks[BLOCKS_MAX];

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static long page_faults(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
}

static double resident_mib(void) {
    long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (!statm || fscanf(statm, "%*d %ld", &pages) != 1) pages = 0;
    if (statm) fclose(statm);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

static void allocate_all(const struct burst *burst) {
    for (size_t i = 0; i < burst->blocks; i++) {
        blocks[i] = malloc(burst->size);
        if (!blocks[i]) abort();
        *(volatile char *)blocks[i] = 1;
    }
}

static void free_all(const struct burst *burst) {
    for (size_t i = 0; i < burst->blocks; i++) free(blocks[i]);
}

static void repeat(const struct burst *burst, size_t rounds) {
    while (rounds-- > 0) {
        allocate_all(burst);
        free_all(burst);
    }
}

int main(void) {
    long faults = 0;
    double height_mib = 0;

    for (size_t i = 0; i < sizeof bursts / sizeof *bursts; i++) {
        const struct burst *burst = &bursts[i];
        size_t rounds = PAIRS / burst->blocks;
        repeat(burst, WARM_UP_ROUNDS);

        long faults_before = page_faults();
        double start = now_ns();
        repeat(burst, rounds);
        double pairs = (double)(rounds * burst->blocks);
        printf("%s\t%.1f\n", burst->name, (now_ns() - start) / pairs);
        faults += page_faults() - faults_before;

        allocate_all(burst);
        double mib = resident_mib();
        if (mib > height_mib) height_mib = mib;
        free_all(burst);
    }
    printf("page faults in all these bursts\t%ld\n", faults);
    printf("memory at their height, MiB\t%.1f\n", height_mib);

    const struct timespec idle = {IDLE_MS / 1000, IDLE_MS % 1000 * 1000000L};
    nanosleep(&idle, NULL);
    printf("memory 1.5 s after the last, MiB\t%.1f\n", resident_mib());
    return 0;
}
