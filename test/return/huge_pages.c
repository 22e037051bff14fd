/* Huge pages: none of Eddy's memory has any, whatever the system's default, unless the program asks
 * for them (EDDY_HUGE_PAGES); then whole ones go back. The program is run again for each case, with
 * the option in its environment.
 * SPDX-License-Identifier: MIT */
#include <time.h>

#include "common/rollup.h"

enum { BLOCK = 500, BLOCKS = 200000, PATIENCE_MS = 5000, QUIET_MS = 1000, HUGE = 2 << 20 };

/* What smaps says of mappings. */
typedef struct mapping {
    uintptr_t start, end;
    size_t rss, huge; /* bytes; huge: of them in huge pages */
    bool allows_huge, refuses_huge, is_reserve;
} mapping_t;

typedef void mapping_fn(const mapping_t *mapping, void *argument);

static void read_line(mapping_t *mapping, const char *line) {
    if (strncmp(line, "Rss:", 4) == 0) mapping->rss = strtoull(line + 4, NULL, 10) * KIB;
    if (strncmp(line, "AnonHugePages:", 14) == 0) {
        mapping->huge = strtoull(line + 14, NULL, 10) * KIB;
    }
    if (strncmp(line, "VmFlags:", 8) != 0) return;
    mapping->allows_huge = strstr(line, " hg") != NULL;
    mapping->refuses_huge = strstr(line, " nh") != NULL;
    mapping->is_reserve = strstr(line, " nr") != NULL;
}

/* Each mapping whose flags are last in its paragraph. */
static void each_mapping(mapping_fn *function, void *argument) {
    FILE *file = fopen("/proc/self/smaps", "r");
    check(file != NULL);
    char line[512];
    mapping_t mapping = {0};
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned long start, end;
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2) {
            mapping = (mapping_t){.start = start, .end = end};
        }
        read_line(&mapping, line);
        if (strncmp(line, "VmFlags:", 8) == 0) function(&mapping, argument);
    }
    fclose(file);
}

/* ---- the cases ---- */

static void *blocks[BLOCKS];

static void burst(void) {
    for (size_t i = 0; i < BLOCKS; i++) {
        check((blocks[i] = malloc(BLOCK)) != NULL);
        memset(blocks[i], 1, BLOCK);
    }
}

/* All but a block in every second huge page. */
static void free_burst(void) {
    enum { APART = 2 * HUGE / BLOCK };
    for (size_t i = 0; i < BLOCKS; i++) {
        if (i % APART != 0) free(blocks[i]);
    }
}

/* Objects that are moved by page tables, and freed. */
static void move_objects(void) {
    for (int i = 0; i < 20; i++) {
        char *object = malloc(4 * MIB), *wall = malloc(4 * MIB);
        check(object != NULL && wall != NULL);
        object[0] = 1;
        check((object = realloc(object, 9 * MIB)) != NULL && object[0] == 1);
        free(object);
        free(wall);
    }
}

/* Eddy's own are those mapped without a promise of memory; of them, large enough for one. */
static bool can_hold_huge(const mapping_t *mapping) {
    return mapping->is_reserve && mapping->end - mapping->start >= HUGE;
}

static void check_refused(const mapping_t *mapping, void *count) {
    if (!can_hold_huge(mapping)) return;
    check(mapping->refuses_huge && !mapping->allows_huge && mapping->huge == 0);
    ++*(size_t *)count;
}

static void none(void) {
    size_t count = 0;
    burst();
    move_objects();
    each_mapping(check_refused, &count);
    /* The table's parts and the region's. */
    check(count >= 4);
}

typedef struct region_sum {
    size_t rss, huge, tables;
} region_sum_t;

/* The region's mappings allow huge pages, the table of descriptors does not: it can be read only,
 * or lies between parts that can. */
static void sum_region(const mapping_t *mapping, void *argument) {
    region_sum_t *sum = argument;
    if (mapping->allows_huge) {
        check(mapping->is_reserve);
        sum->rss += mapping->rss;
        sum->huge += mapping->huge;
    } else if (can_hold_huge(mapping)) {
        check(mapping->refuses_huge && mapping->huge == 0);
        sum->tables++;
    }
}

static region_sum_t region_now(void) {
    region_sum_t sum = {0};
    each_mapping(sum_region, &sum);
    return sum;
}

/* Once nothing more has gone back for a while. */
static region_sum_t settled(region_sum_t now) {
    for (int ms = 0, quiet_ms = 0; ms < PATIENCE_MS && quiet_ms < QUIET_MS; ms += 50) {
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
        size_t last = now.rss;
        now = region_now();
        quiet_ms = now.rss < last ? 0 : quiet_ms + 50;
    }
    return now;
}

static void whole_ones(void) {
    move_objects();
    burst();
    region_sum_t before = region_now();
    check(before.tables > 0);
    /* The kernel may have none to give. */
    if (before.huge < before.rss / 2) _exit(SKIPPED);
    free_burst();
    region_sum_t after = settled(before);
    check(after.rss <= before.rss / 3 * 2);
    /* Those that a block pins were not split. */
    check(after.huge >= after.rss / 4 * 3);
}

/* ---- running them ---- */

static const struct {
    const char *name, *option;
    void (*run)(void);
} cases[] = {{"none", "no", none}, {"whole_ones", "yes", whole_ones}};

static void run_case(size_t number) {
    pid_t child = fork();
    if (child == 0) {
        setenv("EDDY_HUGE_PAGES", cases[number].option, 1);
        setenv("EDDY_SCAVENGER", "always", 1);
        execl("/proc/self/exe", "huge_pages", cases[number].name, NULL);
        _exit(127);
    }
    assert_ended_well(wait_for(child));
}

static void by_default_there_are_none(void **state) {
    (void)state;
    run_case(0);
}

static void on_demand_they_come_and_go_whole(void **state) {
    (void)state;
    run_case(1);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_default_there_are_none),
        cmocka_unit_test(on_demand_they_come_and_go_whole),
    };
    for (size_t i = 0; argc > 1 && i < LENGTH(cases); i++) {
        if (strcmp(argv[1], cases[i].name) != 0) continue;
        cases[i].run();
        return EXIT_SUCCESS;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
