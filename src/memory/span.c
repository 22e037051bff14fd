/* SPDX-License-Identifier: MIT */
#include "memory/span.h"

#include "config/ablate.h"
#include "memory/alarm.h"
#include "memory/demand.h"
#include "memory/region.h"
#include "memory/tiles.h"
#include "os/lock.h"

/* Spans purged between two takings of the lock. */
enum { PURGE_BATCH = 32 };
/* What a process holds, in slices, before its control group is looked at: no group allows so
 * little, most processes never hold it, and reading its files would be most of what starting
 * costs. */
enum { GROUP_LEAST = (16 << 20) >> SLICE_SHIFT };
/* Each closed span is a mapping, and one more may lie behind it. */
enum { CLOSED_MOST = 1000 - PURGE_BATCH };

static lock_t lock = LOCK_INIT(RANK_SPAN);
/* All below: guarded by `lock`. */
static bool started;
static bool strict_commit;           /* clean spans are closed: open them before use */
static demand_t demand;              /* slices */
static _Atomic uint64_t window_seen; /* demand.window, to be read without the lock */
static size_t spans_purged, bytes_purged, purging; /* slices that purge_batch has in hand */
_Atomic bool demand_is_tight;

static size_t dirty_slices(void) { return tiles_slices(SPAN_DIRTY); }

/* What a span becomes when it is freed. */
static span_kind_t used_kind(const page_t *head) {
    return region_is_given(slice_index(head)) ? SPAN_KEPT : SPAN_DIRTY;
}

/* ---- limits ---- */

static size_t hard_limit(void) {
    int64_t option = option_get(EDDY_OPTION_LIMIT);
    return option == 0 ? SIZE_MAX : (size_t)option >> SLICE_SHIFT;
}

static size_t group_limit(size_t slices) {
    static size_t limit = SIZE_MAX;
    static bool is_known;
    if (likely(is_known || slices < GROUP_LEAST)) return limit;
    is_known = true;
    return limit = os_group_memory_limit("/proc/self/cgroup", "/sys/fs/cgroup") >> SLICE_SHIFT;
}

/* Of a process that holds so many slices. */
static size_t soft_limit(size_t slices) {
    int64_t option = option_get(EDDY_OPTION_SOFT_LIMIT);
    if (option == 0) return SIZE_MAX;
    return option > 0 ? (size_t)option >> SLICE_SHIFT : group_limit(slices) / 8 * 7;
}

/* Whether memory may be taken that nobody holds yet. */
static bool may_grow(void) { return option_get(EDDY_OPTION_ADDED_ONLY) == 0; }

/* What is in use, dirty or being purged has changed. */
static void note_held(void) {
    size_t slices = demand.in_use + dirty_slices() + purging;
    bool tight = slices > soft_limit(slices);
    if (likely(tight == load_relaxed(&demand_is_tight))) return;
    store_relaxed(&demand_is_tight, tight);
    alarm_ring();
}

/* ---- windows and purging ---- */

/* Take up to PURGE_BATCH dirty spans, oldest first, `excess` slices at most but for what completes
 * a unit. */
static size_t detach_oldest(page_t **batch, size_t excess) {
    size_t taken = 0;
    page_t *head;
    while (taken < PURGE_BATCH && excess > 0 && (head = tiles_take_oldest(excess)) != NULL) {
        excess -= size_min(span_slices(head), excess);
        batch[taken++] = head;
        purging += span_slices(head);
    }
    return taken;
}

static bool is_clean(page_t *head) { return head != NULL && span_kind(head) == SPAN_CLEAN; }

/* Whether there are not too many closed spans, or there will not be more. */
static bool may_purge(page_t *head) {
    return !strict_commit || tiles_spans(SPAN_CLEAN) < CLOSED_MOST || is_clean(tiles_next(head));
}

static bool purge_span(page_t *head) {
    return strict_commit ? region_close(head) : os_purge(slice_address(head), span_bytes(head));
}

/* Purge up to `excess` slices of the next few dirty spans; called and returns with the lock held,
 * lets go of it for the calls to the kernel. How many were looked at; 0 when there is no span, or
 * one was refused: it stays dirty, and the next window tries again. */
static size_t purge_batch(size_t excess, size_t *purged_slices) {
    page_t *batch[PURGE_BATCH];
    bool purged[PURGE_BATCH], refused = false;
    size_t before = purging, taken = detach_oldest(batch, excess), slices = purging - before;
    for (size_t i = 0; i < taken; i++) purged[i] = may_purge(batch[i]);
    lock_release(&lock);
    for (size_t i = 0; i < taken; i++) purged[i] = purged[i] && purge_span(batch[i]);
    lock_acquire(&lock);
    for (size_t i = 0; i < taken; i++) {
        refused |= !purged[i] && !strict_commit;
        spans_purged += purged[i];
        *purged_slices += purged[i] ? span_slices(batch[i]) : 0;
        bytes_purged += purged[i] ? span_bytes(batch[i]) : 0;
        tiles_insert(batch[i], purged[i] ? SPAN_CLEAN : SPAN_DIRTY);
    }
    purging -= slices;
    note_held();
    return refused ? 0 : size_min(slices, excess);
}

/* The slices that were purged. */
static size_t purge_locked(size_t excess) {
    size_t purged = 0, seen = 1;
    for (; excess > 0 && seen > 0; excess -= seen) seen = purge_batch(excess, &purged);
    return purged;
}

static size_t dirty_excess(void) {
    size_t allowance = demand_allowance(&demand);
    return dirty_slices() > allowance ? dirty_slices() - allowance : 0;
}

bool span_is_behind(uint64_t now_ms) {
    return option_get(EDDY_OPTION_DECAY_MS) >= 0 &&
           load_relaxed(&window_seen) != demand_window(now_ms);
}

bool span_housekeep(uint64_t now_ms) {
    if (!span_is_behind(now_ms)) return false;
    uint64_t window_now = demand_window(now_ms);
    lock_acquire(&lock);
    bool turned = started && demand_turn(&demand, window_now);
    size_t excess = ablated(ABLATE_KEEP_DIRTY) ? dirty_slices() : dirty_excess(), purged = 0;
    size_t seen = excess > 0 ? purge_batch(excess, &purged) : 0;
    /* Where none of a batch may be purged, going on could be for ever: the next window goes on. */
    if (purged == 0 || seen == 0 || seen == excess) store_relaxed(&window_seen, window_now);
    lock_release(&lock);
    return turned;
}

size_t span_dirty(void) {
    lock_acquire(&lock);
    size_t slices = tiles_can_be_purged() ? dirty_slices() : 0;
    lock_release(&lock);
    return slices;
}

size_t span_purge_all(void) {
    lock_acquire(&lock);
    size_t slices = started ? purge_locked(dirty_slices()) : 0;
    lock_release(&lock);
    return slices << SLICE_SHIFT;
}

/* ---- allocate and free ---- */

static void load_options_locked(void) {
    static bool loaded;
    if (!loaded) options_load();
    loaded = true;
}

void span_load_options(void) {
    lock_acquire(&lock);
    load_options_locked();
    lock_release(&lock);
}

static void say_what_was_found(void) {
    if (option_get(EDDY_OPTION_VERBOSE) == 0) return;
    os_say("%zu MiB of address space described, %zu reserved; kernel pages of %zu bytes, taken %zu "
           "slices at a time; %s",
           window.slices << SLICE_SHIFT >> 20, region_at(0)->reserved << SLICE_SHIFT >> 20,
           os_page_size(), region_unit,
           strict_commit ? "free memory is closed: the kernel promises only what it has"
                         : "free memory stays open");
}

static bool start_locked(void) {
    static bool tried; /* what is refused is tried at each malloc: read the file only once */
    if (started) return true;
    load_options_locked();
    if (!tried) strict_commit = os_commit_is_strict();
    tried = true;
    /* Closing and opening pieces of them would split them. */
    bool huge_pages = option_get(EDDY_OPTION_HUGE_PAGES) != 0 && !strict_commit;
    if (!region_start(huge_pages)) return false;
    option_set(EDDY_OPTION_HUGE_PAGES, region_unit > 1);
    tiles_init();
    say_what_was_found();
    started = true;
    return true;
}

bool span_start(void) {
    lock_acquire(&lock);
    bool result = start_locked();
    lock_release(&lock);
    return result;
}

/* Beyond the limit nothing more is handed out. */
static bool within_limit(size_t slices) {
    size_t limit = hard_limit();
    return slices <= limit && demand.in_use <= limit - slices;
}

bool span_in_bounds(size_t slices, size_t alignment) {
    return span_fits_window(slices, alignment) && slices <= hard_limit();
}

/* Memory was taken that was not held before: free spans that are make room for it. Lets go of the
 * lock like purge_locked. */
static void stay_within_limits(void) {
    size_t slices = demand.in_use + dirty_slices();
    size_t limit = size_min(hard_limit(), soft_limit(slices));
    if (unlikely(slices > limit)) purge_locked(size_min(slices - limit, dirty_slices()));
}

/* Slices that were never used before, in transit. */
static page_t *take_opened(size_t slices, bool ground) {
    size_t opened;
    page_t *head = ground ? region_open_ground(slices, &opened) : region_open(slices, &opened);
    if (head != NULL) span_set(head, SPAN_TRANSIT, opened);
    return head;
}

/* A free span of at least `slices` in transit; what it was through *kind. */
static page_t *take_fit(size_t slices, span_source_t source, span_kind_t *kind) {
    page_t *head = tiles_find(SPAN_DIRTY, slices);
    *kind = SPAN_DIRTY;
    if (head == NULL) {
        head = tiles_find(SPAN_KEPT, slices);
        *kind = SPAN_KEPT;
    }
    if (head == NULL && source == SPAN_FROM_ANY) {
        head = tiles_find(SPAN_CLEAN, slices);
        *kind = SPAN_CLEAN;
    }
    if (head != NULL) {
        tiles_take(head);
    } else if (source == SPAN_FROM_ANY) {
        head = take_opened(slices, false);
    }
    return head;
}

/* What clean and dirty neighbours make together, which are joined only once both are clean: before
 * memory is refused. Lets go of the lock like purge_locked. */
static page_t *take_joined(size_t slices) {
    size_t clean = tiles_slices(SPAN_CLEAN), dirty = dirty_slices();
    if (clean == 0 || dirty == 0 || clean + dirty < slices) return NULL;
    purge_locked(dirty);
    page_t *head = tiles_find(SPAN_CLEAN, slices);
    if (head != NULL) tiles_take(head);
    return head;
}

static page_t *take_ground(size_t slices, span_kind_t *kind) {
    *kind = SPAN_GROUND;
    page_t *head = tiles_find(SPAN_GROUND, slices);
    if (head == NULL) return take_opened(slices, true);
    tiles_take(head);
    return head;
}

/* Cut off what stands before the first aligned slice. */
static page_t *cut_front(page_t *head, size_t alignment, span_kind_t kind) {
    size_t address = (uintptr_t)slice_address(head) >> SLICE_SHIFT;
    size_t skip = round_up(address, alignment) - address;
    if (skip == 0) return head;
    page_t *aligned = tiles_split(head, skip, SPAN_TRANSIT);
    tiles_insert(head, kind);
    return aligned;
}

/* Fresh memory was taken although there are dirty spans: none fitted. Keeping them all beside it
 * would raise the peak (docs/evidence.md, "Unfitting spans"). */
static void purge_unfitting(size_t slices) {
    if (option_get(EDDY_OPTION_DECAY_MS) < 0 || ablated(ABLATE_UNFITTING)) return;
    size_t excess = dirty_excess();
    if (unlikely(excess > 0)) purge_locked(size_min(excess, slices));
}

static page_t *allocate_locked(size_t slices, size_t alignment, span_source_t source,
                               bool *is_zero) {
    if (!start_locked() || !within_limit(slices)) return NULL;
    if (!span_fits_window(slices, alignment)) return NULL;
    bool ground = source == SPAN_FROM_GROUND;
    /* Open ground would count as memory. */
    if (ground && (strict_commit || !may_grow())) return NULL;
    if (!may_grow()) source = SPAN_FROM_DIRTY;
    span_kind_t kind;
    size_t length = slices + alignment - 1;
    page_t *head = ground ? take_ground(length, &kind) : take_fit(length, source, &kind);
    if (unlikely(head == NULL) && source == SPAN_FROM_ANY) {
        head = take_joined(length);
        kind = SPAN_CLEAN;
    }
    if (head == NULL) return NULL;
    head = cut_front(head, alignment, kind);
    tiles_give_back_rest(head, slices, kind);
    if (strict_commit && kind == SPAN_CLEAN && !os_open(slice_address(head), span_bytes(head))) {
        tiles_insert(head, kind);
        return NULL;
    }
    demand_rise(&demand, slices);
    note_held();
    *is_zero = kind == SPAN_CLEAN || kind == SPAN_GROUND;
    if (*is_zero) stay_within_limits();
    if (kind == SPAN_CLEAN) purge_unfitting(slices);
    return head;
}

page_t *span_allocate(size_t slices, size_t alignment, span_source_t source, bool *is_zero) {
    assert_debug(slices > 0 && is_power_of_two(alignment));
    lock_acquire(&lock);
    page_t *head = allocate_locked(slices, alignment, source, is_zero);
    lock_release(&lock);
    return head;
}

/* A span in transit is free. Lets go of the lock like purge_locked where nothing free is kept. */
static void free_locked(page_t *head, span_kind_t kind) {
    demand_fall(&demand, span_slices(head));
    tiles_insert(head, kind);
    note_held();
    bool at_once = option_get(EDDY_OPTION_DECAY_MS) == 0 || load_relaxed(&demand_is_tight);
    if (unlikely(at_once)) purge_locked(dirty_slices());
}

static void free_as(page_t *head, span_kind_t kind) {
    lock_acquire(&lock);
    span_set(head, SPAN_TRANSIT, span_slices(head));
    free_locked(head, kind);
    lock_release(&lock);
}

int span_give(void *start, size_t bytes) {
    lock_acquire(&lock);
    int number = start_locked() ? region_give(start, bytes) : -1;
    if (number >= 0) {
        const region_t *region = region_given((size_t)number);
        page_t *head = slice_descriptor(region->first);
        span_set(head, SPAN_TRANSIT, region_opened(region));
        tiles_insert(head, SPAN_KEPT);
    }
    lock_release(&lock);
    return number;
}

void *span_given(int number, size_t *bytes) {
    lock_acquire(&lock);
    const region_t *region = number < 0 ? NULL : region_given((size_t)number);
    if (region != NULL) *bytes = region_opened(region) << SLICE_SHIFT;
    lock_release(&lock);
    return region == NULL ? NULL : slice_address(slice_descriptor(region->first));
}

bool span_is_own(page_t *head) {
    lock_acquire(&lock);
    bool is_own = !region_is_given(slice_index(head));
    lock_release(&lock);
    return is_own;
}

void span_free(page_t *head) { free_as(head, used_kind(head)); }

/* Memory that is open is not clean where spans are closed to be purged. */
void span_free_clean(page_t *head) {
    span_kind_t kind = used_kind(head);
    free_as(head, kind == SPAN_DIRTY && !strict_commit ? SPAN_CLEAN : kind);
}

void span_free_ground(page_t *head) { free_as(head, SPAN_GROUND); }

page_t *span_drop_front(page_t *head, size_t slices) {
    lock_acquire(&lock);
    page_t *rest = tiles_split(head, slices, SPAN_TRANSIT);
    free_locked(head, used_kind(head));
    lock_release(&lock);
    return rest;
}

bool span_extend(page_t *head, size_t slices) {
    lock_acquire(&lock);
    size_t more = slices - span_slices(head);
    page_t *next = tiles_next(head);
    span_kind_t kind = next == NULL ? SPAN_NONE : span_kind(next);
    bool is_clean_ready = kind == SPAN_CLEAN && !strict_commit && may_grow();
    bool ready = kind == SPAN_DIRTY || kind == SPAN_KEPT || is_clean_ready;
    bool fits = ready && used_kind(next) == used_kind(head) && span_slices(next) >= more &&
                within_limit(more);
    if (fits) {
        tiles_take(next);
        tiles_give_back_rest(next, more, kind);
        tiles_absorb(head, next);
        demand_rise(&demand, more);
        note_held();
        if (kind == SPAN_CLEAN) stay_within_limits();
    }
    lock_release(&lock);
    return fits;
}

page_t *span_cut(page_t *head, size_t slices) {
    lock_acquire(&lock);
    page_t *rest = tiles_split(head, slices, SPAN_TRANSIT);
    lock_release(&lock);
    return rest;
}

/* ---- looking, and repair after fork ---- */

void span_totals(span_totals_t *totals) {
    *totals = (span_totals_t){0};
    lock_acquire(&lock);
    if (started) {
        totals->used = demand.in_use;
        totals->dirty = dirty_slices() + purging + tiles_slices(SPAN_KEPT);
        totals->clean = tiles_slices(SPAN_CLEAN) + tiles_slices(SPAN_GROUND);
        totals->spans_purged = spans_purged;
        totals->bytes_purged = bytes_purged;
        totals->metadata_bytes = region_descriptor_bytes();
    }
    for (size_t i = 0; i < region_count(); i++) {
        totals->reserved += region_at(i)->reserved;
        totals->opened += region_opened(region_at(i));
    }
    totals->reserved += region_lost();
    lock_release(&lock);
}

static bool walk_region(const region_t *region, bool (*visit)(page_t *, void *), void *argument) {
    size_t slice = region->first;
    size_t end = region->first + region_opened(region);
    while (slice < end) {
        page_t *head = slice_descriptor(slice);
        uint64_t shape = span_shape(head);
        /* A walk without the lock may step on a head as it is absorbed: go on by one. */
        bool is_head = span_kind_is_head(shape_kind(shape));
        if (is_head && !visit(head, argument)) return false;
        slice += is_head ? shape_count(shape) : 1;
    }
    return true;
}

bool span_walk(bool (*visit)(page_t *head, void *argument), void *argument) {
    for (size_t i = 0; i < region_count(); i++) {
        if (!walk_region(region_at(i), visit, argument)) return false;
    }
    return true;
}

/* What a span becomes that a vanished thread had in its hands. Where spans are closed to be purged,
 * this one may be closed or not: now it is. */
static span_kind_t vanished_kind(page_t *head) {
    span_kind_t kind = used_kind(head);
    if (!strict_commit || kind != SPAN_DIRTY) return kind;
    return region_close(head) ? SPAN_CLEAN : SPAN_DIRTY;
}

/* The thread that had the span in hand may have been making a page of it. */
static void clear_inner(page_t *head) {
    for (size_t i = span_slices(head); --i > 0;) {
        if (span_kind(&head[i]) == SPAN_INNER) span_set(&head[i], SPAN_NONE, 0);
    }
}

static bool repair_head(page_t *head, void *argument) {
    (void)argument;
    span_kind_t kind = span_kind(head);
    if (kind == SPAN_PAGE || kind == SPAN_LARGE) {
        demand_rise(&demand, span_slices(head));
        return true;
    }
    if (kind == SPAN_TRANSIT) {
        clear_inner(head);
        span_set(head, kind = vanished_kind(head), span_slices(head));
    }
    tiles_put_again(head, kind);
    return true;
}

void span_repair(void) {
    lock_init(&lock, RANK_SPAN);
    if (!started) return;
    tiles_init();
    demand.in_use = purging = 0;
    span_walk(repair_head, NULL);
}
