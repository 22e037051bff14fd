/* Arrays that grow by realloc, several in turn, so that none has the room behind it for itself.
 * A pair is one step of growth; an array begins and ends with a malloc and a free.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "bench.h"

typedef enum growth { GROWTH_DOUBLE, GROWTH_HALF, GROWTH_STEP } growth_t;
static const char *const growth_words[] = {"double", "half", "step", NULL};

enum { SIZE_FIRST = 16, STEP_BYTES = 64, ARRAYS_MAX = 64 };

static const bench_axis_t axes[] = {
    {"growth", "double,half,step", "double,step", growth_words},
    {"max", "1024,16384,1048576,16777216", "16384,1048576", NULL}, /* bytes of a full array */
    {"arrays", "1,8", "8", NULL},
    {"threads", "1,2", "1,2", NULL},
    {NULL, NULL, NULL, NULL},
};

typedef struct grower {
    growth_t growth;
    size_t max, arrays;
    char *array[ARRAYS_MAX];
} grower_t;

static bool sensible(const bench_point_t *point) {
    return bench_value(point, "arrays", 0) - 1 < ARRAYS_MAX;
}

static void *begin(const bench_seat_t *seat) {
    grower_t *grower = bench_map(sizeof *grower);
    grower->growth = (growth_t)bench_value(seat->point, "growth", 0);
    grower->max = bench_value(seat->point, "max", 0);
    grower->arrays = bench_value(seat->point, "arrays", 0);
    return grower;
}

static size_t next_size(growth_t growth, size_t size) {
    switch (growth) {
    case GROWTH_DOUBLE:
        return 2 * size;
    case GROWTH_HALF:
        return size + size / 2;
    case GROWTH_STEP:
        break;
    }
    return size + STEP_BYTES;
}

static size_t run_round(void *state) {
    grower_t *grower = state;
    size_t steps = 0;
    for (size_t size = SIZE_FIRST; size <= grower->max; size = next_size(grower->growth, size)) {
        for (size_t i = 0; i < grower->arrays; i++) {
            grower->array[i] = realloc(grower->array[i], size);
            bench_touch(grower->array[i] + size - 1);
        }
        steps += grower->arrays;
    }
    for (size_t i = 0; i < grower->arrays; i++) {
        free(grower->array[i]);
        grower->array[i] = NULL;
    }
    return steps;
}

static void end(void *state) { (void)state; }

int main(int argc, char **argv) {
    static const bench_program_t program = {
        "realloc_growth", "arrays that grow by realloc", axes, sensible, begin, run_round, end,
    };
    return bench_main(&program, argc, argv);
}
