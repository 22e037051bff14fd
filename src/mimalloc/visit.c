/* Visiting areas and blocks.
 * SPDX-License-Identifier: MIT */
#include "mimalloc/layer.h"

typedef struct visit {
    mi_heap_t *heap;
    mi_block_visit_fun *visitor;
    void *argument;
    bool visit_blocks;
    const mi_heap_area_t *area;
} visit_t;

static bool visit_block(void *block, size_t usable, void *argument) {
    const visit_t *visit = argument;
    return visit->visitor(visit->heap, visit->area, block, usable, visit->argument);
}

static bool visit_area(const eddy_area_t *area, void *argument) {
    visit_t *visit = argument;
    mi_heap_area_t shown = {
        .blocks = area->blocks,
        .reserved = area->bytes,
        .committed = area->bytes,
        .used = area->live,
        .block_size = area->block_bytes,
        .full_block_size = area->block_bytes,
    };
    visit->area = &shown;
    bool go_on = visit->visitor(visit->heap, &shown, NULL, shown.block_size, visit->argument);
    return go_on && (!visit->visit_blocks || eddy_area_visit(area, visit_block, visit));
}

bool layer_visit(mi_heap_t *heap, eddy_heap_t *visited, bool only_abandoned, bool visit_blocks,
                 mi_block_visit_fun *visitor, void *argument) {
    if (visitor == NULL) return false;
    visit_t visit = {heap, visitor, argument, visit_blocks, NULL};
    return eddy_heap_visit_areas(visited, only_abandoned, visit_area, &visit);
}
