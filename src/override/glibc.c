/* What glibc adds to the malloc family to look at an allocator and to tune it.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#include "base/base.h"
#include "eddy.h"
#include "inspect/rows.h"
#include "inspect/snapshot.h"

#ifdef __GLIBC__

#if !__GLIBC_PREREQ(2, 33)
struct mallinfo2 {
    size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};
struct mallinfo2 mallinfo2(void);
#endif

/* `padding` is what glibc leaves at the top of its heap; Eddy has no such place. */
public_api int malloc_trim(size_t padding) {
    (void)padding;
    return eddy_collect() != 0;
}

/* uordblks + fordblks == arena always holds. All blocks lie in regions of Eddy, so none counts as a
 * mapping of its own (hblks, hblkhd), and there are no fast bins (smblks, fsmblks). Free memory is
 * known by its bytes, not by its blocks: ordblks counts it as one, as glibc does an untouched top.
 * keepcost is what malloc_trim may return. */
static struct mallinfo2 info_of(const eddy_stats_t *stats) {
    size_t kept_empty = stats->retained + stats->dirty;
    size_t free_bytes = stats->free_in_pages + stats->current_empty + stats->pending + kept_empty;
    return (struct mallinfo2){
        .arena = stats->live_bytes + free_bytes,
        .ordblks = free_bytes != 0,
        .uordblks = stats->live_bytes,
        .fordblks = free_bytes,
        .keepcost = kept_empty,
    };
}

public_api struct mallinfo2 mallinfo2(void) {
    eddy_stats_t stats;
    eddy_stats_get(&stats, sizeof stats);
    return info_of(&stats);
}

static int clamp(size_t bytes) { return (int)size_min(bytes, INT_MAX); }

public_api struct mallinfo mallinfo(void) {
    struct mallinfo2 info = mallinfo2();
    return (struct mallinfo){
        .arena = clamp(info.arena),
        .ordblks = clamp(info.ordblks),
        .uordblks = clamp(info.uordblks),
        .fordblks = clamp(info.fordblks),
        .keepcost = clamp(info.keepcost),
    };
}

static void write_sizes(FILE *stream, const snapshot_t *taken) {
    fputs("<sizes>\n", stream);
    for (size_t i = 0; i < taken->class_count; i++) {
        const eddy_class_stats_t *one = &taken->classes[i];
        size_t count = (one->free_in_pages + one->pending) / one->block_bytes;
        if (count == 0) continue;
        fprintf(stream, "<size from=\"%zu\" to=\"%zu\" total=\"%zu\" count=\"%zu\"/>\n",
                one->block_bytes, one->block_bytes, count * one->block_bytes, count);
    }
    fputs("</sizes>\n", stream);
}

static void write_totals(FILE *stream, const eddy_stats_t *stats) {
    struct mallinfo2 info = info_of(stats);
    fprintf(stream,
            "<total type=\"fast\" count=\"0\" size=\"0\"/>\n"
            "<total type=\"rest\" count=\"%zu\" size=\"%zu\"/>\n"
            "<total type=\"mmap\" count=\"0\" size=\"0\"/>\n"
            "<system type=\"current\" size=\"%zu\"/>\n"
            "<aspace type=\"total\" size=\"%zu\"/>\n"
            "<aspace type=\"mprotect\" size=\"%zu\"/>\n",
            info.ordblks, info.fordblks, info.arena, stats->reserved, stats->opened);
}

/* The elements of glibc's own output that mean something here, of one heap, since pages have no
 * fixed one; and the numbers of eddy_stats_t by name. The snapshot is taken before the stream may
 * allocate. */
public_api int malloc_info(int options, FILE *stream) {
    if (options != 0) {
        errno = EINVAL;
        return -1;
    }
    snapshot_t taken;
    snapshot_take(&taken);
    fputs("<malloc version=\"1\">\n<heap nr=\"0\">\n", stream);
    write_sizes(stream, &taken);
    write_totals(stream, &taken.stats);
    for (const row_t *row = rows_stats; row->name != NULL; row++) {
        fprintf(stream, "<%s type=\"%s\" size=\"%zu\"/>\n", row->is_bytes ? "memory" : "number",
                row->key, row_value(row, &taken.stats));
    }
    fputs("</heap>\n", stream);
    write_totals(stream, &taken.stats);
    fputs("</malloc>\n", stream);
    snapshot_drop(&taken);
    return 0;
}

public_api void malloc_stats(void) { eddy_stats_print(STDERR_FILENO); }

/* Only "never trim" has a counterpart; the other parameters tune mechanisms that Eddy lacks. */
public_api int mallopt(int parameter, int value) {
    return parameter == M_TRIM_THRESHOLD && value < 0 &&
           eddy_option_set(EDDY_OPTION_DECAY_MS, -1) == 0;
}

#endif
