/* Where all of the memory is: with every block touched, the sums of the snapshot are what the
 * kernel counts for Eddy's mappings, to the kernel page.
 * SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "common/alone.h"
#include "common/inside.h"
#include "heap/registry.h"
#include "memory/region.h"

enum { PAGES = 3, LARGE = 20 };

static void *blocks[CLASS_COUNT][PAGES * SLICE_BYTES / BLOCK_ALIGN];
static void *large[LARGE];

static size_t kernel_page(void) { return (size_t)sysconf(_SC_PAGESIZE); }

/* Of all mappings that begin within a range of addresses. */
static size_t resident_within(uintptr_t start, size_t bytes) {
    FILE *smaps = fopen("/proc/self/smaps", "re");
    assert_non_null(smaps);
    char line[512];
    bool within = false;
    size_t resident = 0, kib;
    while (fgets(line, sizeof line, smaps) != NULL) {
        uintptr_t first, end;
        if (sscanf(line, "%lx-%lx ", &first, &end) == 2) {
            within = first >= start && first < start + bytes;
        } else if (within && sscanf(line, "Rss: %zu kB", &kib) == 1) {
            resident += kib * KIB;
        }
    }
    fclose(smaps);
    return resident;
}

static size_t resident_in_regions(void) {
    size_t resident = 0;
    for (size_t i = 0; i < region_count(); i++) {
        const region_t *region = region_at(i);
        resident += resident_within(window.base + (region->first << SLICE_SHIFT),
                                    region->reserved << SLICE_SHIFT);
    }
    return resident;
}

static size_t blocks_of(unsigned size_class) {
    return PAGES * (class_slices(size_class) * SLICE_BYTES / class_bytes(size_class));
}

/* Kernel pages behind the last block of a page, which no block reaches. */
static size_t unreached(unsigned size_class) {
    size_t page_bytes = class_slices(size_class) * SLICE_BYTES;
    size_t blocks_bytes = page_bytes / class_bytes(size_class) * class_bytes(size_class);
    return page_bytes - round_up(blocks_bytes, kernel_page());
}

static void fill_pages_of_every_class(void) {
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        for (size_t j = 0; j < blocks_of(i); j++) {
            blocks[i][j] = must(eddy_malloc(class_bytes(i)));
            memset(blocks[i][j], 1, class_bytes(i));
        }
    }
}

static void fill_large_objects(void) {
    for (size_t i = 0; i < LARGE; i++) {
        size_t bytes = (i + 1) * 100 * KIB;
        large[i] = must(eddy_malloc(bytes));
        memset(large[i], 1, eddy_usable_size(large[i]));
    }
}

static size_t sum(void) {
    eddy_stats_t stats;
    eddy_stats_get(&stats, sizeof stats);
    return stats.live_bytes + stats.free_in_pages + stats.current_empty + stats.retained +
           stats.dirty + stats.pending;
}

/* Kernel pages that were never touched, because no block reaches them. */
static size_t unreached_in_all(void) {
    size_t bytes = 0;
    for (unsigned i = 0; i < CLASS_COUNT; i++) bytes += PAGES * unreached(i);
    return bytes;
}

static void free_blocks(size_t first, size_t step) {
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        for (size_t j = first; j < blocks_of(i); j += step) eddy_free(blocks[i][j]);
    }
}

static void the_sum_is_what_is_resident(void **state) {
    (void)state;
    fill_pages_of_every_class();
    fill_large_objects();
    assert_int_equal(sum() - unreached_in_all(), resident_in_regions());
    /* Of a page that a survivor pins nothing goes back. */
    free_blocks(1, 2);
    assert_int_equal(sum() - unreached_in_all(), resident_in_regions());
    free_blocks(0, 2);
    for (size_t i = 0; i < LARGE; i++) eddy_free(large[i]);
    eddy_collect();
    assert_int_equal(sum(), 0);
    assert_int_equal(resident_in_regions(), 0);
}

/* Descriptors are written from the first slice of a region to its front; the last kernel page of
 * them may have none that was. */
static void the_descriptors_are_what_is_resident(void **state) {
    (void)state;
    size_t resident =
        resident_within((uintptr_t)window.descriptors, window.slices * sizeof(page_t));
    assert_true(resident > 0);
    assert_in_range(region_descriptor_bytes() - resident, 0, region_count() * kernel_page());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sum_is_what_is_resident),
        cmocka_unit_test(the_descriptors_are_what_is_resident),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
