/* SPDX-License-Identifier: MIT */
#include "memory/region.h"

#include "os/os.h"

/* Each refusal shrinks the request this much, from the largest window that is worth having to the
 * smallest that is of use: at most nine steps. */
enum { SHRINK = 8 };
static const size_t WINDOW_LARGEST = (size_t)1 << 40;
static const size_t WINDOW_SMALLEST = (size_t)32 << 20;
static const size_t REGION_SMALLEST = (size_t)1 << 20;

/* A front grows by an eighth of what is open, within these bounds: rarely a system call when much
 * is in use, little when it all becomes resident (mlockall) or counts (overcommit). */
enum { STEP_LEAST = 16, STEP_MOST = 256, STEP_FRACTION = 8 };

/* Objects that are moved lie in so much of the first region. */
enum { GROUND_FRACTION = 16 };

/* Enough is left for regions of Eddy's own. */
enum { GIVEN_MAX = REGION_MAX / 2 };

size_t region_unit = 1;
window_t window = {.base = (uintptr_t)1 << 63};
static region_t regions[REGION_MAX];
/* Written under the span lock, read without it too. */
static _Atomic size_t count;
static size_t given_count;
static region_t *ground;
/* A start was refused: ask for little before asking for much again. */
static bool start_refused;
/* Address space that was reserved for nothing; it holds no memory. */
static size_t lost_bytes;
/* What a further region asks for beyond what is needed, in bytes: less after each refusal. */
static size_t step_most = SIZE_MAX;

/* Acquire pairs with the release in publish: a region that is counted is whole. */
size_t region_count(void) { return load_acquire(&count); }

const region_t *region_at(size_t index) {
    assert_debug(index < region_count());
    return &regions[index];
}

/* The region that the slice is reserved for, or NULL. */
static const region_t *find(size_t slice) {
    for (size_t i = 0; i < region_count(); i++) {
        if (slice - regions[i].first < regions[i].reserved) return &regions[i];
    }
    return NULL;
}

bool region_reserves(size_t slice) { return find(slice) != NULL; }

bool region_contains(size_t slice) {
    const region_t *region = find(slice);
    return region != NULL && slice - region->first < region_opened(region);
}

static size_t power_of_two_at_least(size_t n) {
    return n <= 1 ? 1 : (size_t)2 << highest_bit(n - 1);
}

static size_t unit_bytes(void) { return region_unit << SLICE_SHIFT; }

/* The kernel's own choice does not hold for Eddy's memory: where it is "always", a page of which a
 * block or two are used would take 2 MiB, and what is purged would be filled again. */
static void advise(void *address, size_t bytes) {
    os_allow_huge_pages(address, bytes, region_unit > 1);
}

static void give_back(void *address, size_t bytes) {
    if (!os_unmap(address, bytes)) lost_bytes += bytes;
}

size_t region_lost(void) { return divide_up(lost_bytes, SLICE_BYTES); }

static bool is_aligned(const char *address) { return (uintptr_t)address % unit_bytes() == 0; }

/* Reserve `bytes` aligned to a unit; NULL when refused. A little below what the kernel chose it
 * mostly fits: two calls less than to cut it out of more. */
static char *reserve(void *hint, size_t bytes) {
    size_t alignment = unit_bytes();
    char *address = os_reserve(hint, bytes);
    if (address == NULL || is_aligned(address)) return address;
    give_back(address, bytes);
    address = os_reserve(address - (uintptr_t)address % alignment, bytes);
    if (address == NULL || is_aligned(address)) return address;
    give_back(address, bytes);
    address = os_reserve(NULL, bytes + alignment);
    if (address == NULL) return NULL;
    size_t skip = alignment - (uintptr_t)address % alignment;
    give_back(address, skip);
    give_back(address + skip + bytes, alignment - skip);
    return address + skip;
}

/* As reserve, asking for less at each refusal; the size granted through *bytes. */
static char *reserve_shrinking(size_t *bytes, size_t least) {
    for (;; *bytes = round_up(*bytes / SHRINK, SLICE_BYTES)) {
        char *address = reserve(NULL, *bytes);
        if (address != NULL) return address;
        if (*bytes / SHRINK < least) return NULL;
    }
}

bool region_is_given(size_t slice) {
    if (likely(given_count == 0)) return false;
    const region_t *region = find(slice);
    return region != NULL && region->is_given;
}

static size_t table_bytes(size_t window_bytes) {
    return round_up((window_bytes >> SLICE_SHIFT) * sizeof(page_t), os_page_size());
}

static region_t *publish(region_t region) {
    size_t index = region_count();
    assert_always(index < REGION_MAX && region.first < window.slices);
    regions[index] = region;
    store_release(&count, index + 1);
    return &regions[index];
}

static region_t *region_add(char *address, size_t bytes, bool is_ground) {
    return publish((region_t){.first = slice_of(address),
                              .reserved = bytes >> SLICE_SHIFT,
                              .is_ground = is_ground});
}

/* Of the descriptors of a whole window; NULL when refused. The kernel places mappings close upon
 * each other: with a length that is a power of two, the table's address would agree with that of
 * the region in so many low bits that the cache's way predictor takes the first blocks for their
 * descriptor (docs/evidence.md, "Aliasing"). So it is a kernel page longer. */
static page_t *reserve_table(size_t window_bytes) {
    size_t bytes = table_bytes(window_bytes) + os_page_size();
    page_t *table = os_reserve_readable(bytes);
    if (table != NULL) os_allow_huge_pages(table, bytes, false);
    return table;
}

/* The window ends where the first region ends: the kernel places later mappings below earlier
 * ones, so further regions are likely to find room inside. */
static bool place_window(const char *region, size_t region_bytes, size_t window_bytes) {
    page_t *table = reserve_table(window_bytes);
    if (table == NULL) return false;
    uintptr_t end = (uintptr_t)region + region_bytes;
    window.base = end > window_bytes ? end - window_bytes : SLICE_BYTES;
    assert_always(((window.base + window_bytes) >> 48) == 0); /* heap/page.h packs addresses */
    window.descriptors = table;
    window.slices = window_bytes >> SLICE_SHIFT;
    return true;
}

/* A part of the first one is ground: there it costs no reservation that could be refused. */
static void add_first(char *region, size_t bytes) {
    advise(region, bytes);
    size_t ground_bytes = round_down(bytes / GROUND_FRACTION, unit_bytes());
    region_add(region, bytes - ground_bytes, false);
    if (ground_bytes > 0) ground = region_add(region + bytes - ground_bytes, ground_bytes, true);
}

static bool start(void) {
    size_t left = os_address_space_left();
    bool limited = left < 4 * WINDOW_LARGEST;
    size_t wanted = limited
                        ? size_max(WINDOW_SMALLEST, power_of_two_at_least(4 * left))
                        : size_max(WINDOW_LARGEST, 4 * power_of_two_at_least(os_physical_memory()));
    /* Below the region the kernel places what the program maps later, and may hand in. */
    size_t region_bytes = limited ? round_up(left / 4, SLICE_BYTES) : wanted / 4 * 3;
    char *region = reserve_shrinking(&region_bytes, REGION_SMALLEST);
    if (region == NULL) return false;
    /* A region that had to shrink for want of a larger hole leaves the window its size. */
    while (!place_window(region, region_bytes, size_max(wanted, region_bytes))) {
        if (wanted / SHRINK < WINDOW_SMALLEST || wanted <= region_bytes) {
            give_back(region, region_bytes);
            return false;
        }
        wanted /= SHRINK;
    }
    add_first(region, region_bytes);
    return true;
}

/* Whether the smallest region and its descriptors would be granted. What is asked for to see that
 * is not asked for again before it could be given back: each malloc comes here. */
static bool may_start(void) {
    static void *probe;
    size_t bytes = REGION_SMALLEST + os_page_size() + table_bytes(WINDOW_SMALLEST);
    if (probe == NULL) probe = os_reserve(NULL, bytes);
    if (probe == NULL || !os_unmap(probe, bytes)) return false;
    probe = NULL;
    return true;
}

/* Huge pages of the size that everything is made for. */
static size_t huge_unit(void) {
    enum { LARGEST = 32 << 20 };
    size_t bytes = os_huge_page_size();
    return bytes >= SLICE_BYTES && bytes <= LARGEST ? bytes >> SLICE_SHIFT : 1;
}

bool region_start(bool huge_pages) {
    region_unit = huge_pages ? huge_unit() : 1;
    bool started = (!start_refused || may_start()) && start();
    start_refused = !started;
    return started;
}

size_t region_descriptor_bytes(void) {
    size_t bytes = 0;
    for (size_t i = 0; i < region_count(); i++) {
        bytes += round_up(region_opened(&regions[i]) * sizeof(page_t), os_page_size());
    }
    return bytes;
}

/* Make the descriptors of the region's first `slices` writable; whole kernel pages of them at a
 * time, so that most calls find them so already. */
static bool describe(region_t *region, size_t slices) {
    if (slices <= region->described) return true;
    size_t page = os_page_size();
    uintptr_t start = (uintptr_t)(window.descriptors + region->first);
    uintptr_t from = round_down(start + region->described * sizeof(page_t), page);
    uintptr_t to = round_up(start + slices * sizeof(page_t), page);
    if (!os_open((void *)from, to - from)) return false;
    region->described = (to - start) / sizeof(page_t);
    return true;
}

static bool open_front(region_t *region, size_t slices) {
    page_t *first = slice_descriptor(region->first + region_opened(region));
    if (!describe(region, region_opened(region) + slices)) return false;
    if (!os_open(slice_address(first), slices << SLICE_SHIFT)) return false;
    if (region_opened(region) == 0) first->begins_region = true;
    store_release(&region->opened, region_opened(region) + slices);
    return true;
}

/* Open `slices` at the front of the region, and more where that is granted. */
static page_t *grow_region(region_t *region, size_t slices, size_t *opened) {
    size_t room = region->reserved - region_opened(region);
    if (slices > room) return NULL;
    page_t *first = slice_descriptor(region->first + region_opened(region));
    size_t step = region_opened(region) / STEP_FRACTION;
    step = step < STEP_LEAST ? STEP_LEAST : step > STEP_MOST ? STEP_MOST : step;
    size_t end = ((uintptr_t)slice_address(first) >> SLICE_SHIFT) + size_max(step, slices);
    step = size_max(step, slices) + round_up(end, region_unit) - end;
    *opened = size_min(step, room);
    if (open_front(region, *opened)) return first;
    if (*opened == slices) return NULL;
    *opened = slices;
    return open_front(region, slices) ? first : NULL;
}

static bool in_window(const char *address, size_t bytes) {
    size_t first = slice_of(address);
    return first < window.slices && (bytes >> SLICE_SHIFT) <= window.slices - first;
}

static bool overlaps_region(size_t first, size_t slices) {
    for (size_t i = 0; i < region_count(); i++) {
        const region_t *region = &regions[i];
        if (first < region->first + region->reserved && region->first < first + slices) return true;
    }
    return false;
}

int region_give(void *start, size_t bytes) {
    uintptr_t end = round_down((uintptr_t)start + bytes, SLICE_BYTES);
    uintptr_t first = round_up((uintptr_t)start, SLICE_BYTES);
    if (first >= end || !in_window((char *)first, end - first)) return -1;
    region_t given = {.first = slice_of((void *)first),
                      .reserved = (end - first) >> SLICE_SHIFT,
                      .is_given = true};
    bool fits = given_count < GIVEN_MAX && region_count() < REGION_MAX &&
                !overlaps_region(given.first, given.reserved);
    if (!fits || !describe(&given, given.reserved)) return -1;
    slice_descriptor(given.first)->begins_region = true;
    store_relaxed(&given.opened, given.reserved);
    publish(given);
    return (int)given_count++;
}

const region_t *region_given(size_t number) {
    for (size_t i = 0; i < region_count(); i++) {
        if (regions[i].is_given && number-- == 0) return &regions[i];
    }
    return NULL;
}

bool region_replace(page_t *head) {
    if (!os_replace(slice_address(head), span_bytes(head))) return false;
    advise(slice_address(head), span_bytes(head));
    return true;
}

bool region_close(page_t *head) {
    if (!os_close(slice_address(head), span_bytes(head))) return false;
    advise(slice_address(head), span_bytes(head));
    return true;
}

/* What a further region asks for: half of what there is, so that a few regions reach far, but no
 * more than was refused before. */
static size_t step_bytes(size_t least) {
    size_t reserved = 0;
    for (size_t i = 0; i < region_count(); i++) reserved += regions[i].reserved << SLICE_SHIFT;
    size_t bytes = round_down(size_min(reserved / 2, step_most), unit_bytes());
    return bytes < least || bytes > window.slices << SLICE_SHIFT ? least : bytes;
}

static const region_t *last_own(void) {
    size_t last = region_count() - 1;
    while (regions[last].is_given || regions[last].is_ground) last--;
    return &regions[last];
}

/* One more region of at least `slices`, below the one before; NULL when refused. */
static region_t *add_region(size_t slices) {
    if (region_count() == REGION_MAX) return NULL;
    uintptr_t below = (uintptr_t)slice_address(slice_descriptor(last_own()->first));
    size_t least = round_up(slices << SLICE_SHIFT, unit_bytes());
    size_t bytes = step_bytes(least);
    if (bytes >= below) bytes = least;
    if (bytes >= below) return NULL;
    char *address = reserve((void *)(below - bytes), bytes);
    if (address == NULL && bytes > least) {
        step_most = bytes / 2;
        bytes = least;
        address = reserve((void *)(below - bytes), bytes);
    }
    if (address == NULL) return NULL;
    if (!in_window(address, bytes)) {
        give_back(address, bytes);
        return NULL;
    }
    advise(address, bytes);
    return region_add(address, bytes, false);
}

page_t *region_open(size_t slices, size_t *opened) {
    bool refused = false;
    for (size_t i = 0; i < region_count(); i++) {
        if (regions[i].is_ground) continue;
        if (slices > regions[i].reserved - region_opened(&regions[i])) continue;
        page_t *first = grow_region(&regions[i], slices, opened);
        if (first != NULL) return first;
        refused = true;
        break;
    }
    /* A front that may not open stands for a limit on memory, which no other region would evade. */
    if (refused || slices >= window.slices) return NULL;
    region_t *region = add_region(slices);
    return region == NULL ? NULL : grow_region(region, slices, opened);
}

page_t *region_open_ground(size_t slices, size_t *opened) {
    return ground == NULL ? NULL : grow_region(ground, slices, opened);
}
