/* A child forked between any two stores: what it finds of a page, and of the spans of a region.
 *
 * Models: fast_malloc, fast_free (alloc/fast.h), page_extend, page_collect (heap/page.c),
 * heap_make_current, heap_list_full, heap_list_current, heap_wake (heap/state.h), tiles_split,
 * tiles_absorb, tiles_insert (memory/tiles.c), and what repairs them: settle (heap/fork.c),
 * span_walk (memory/span.c).
 *
 * A page of which little is linked at first: its owner, which vanishes in the child, allocates,
 * frees, extends, fills up and puts aside; another thread frees for it. Or, in other runs, a region
 * whose spans are split and joined. In the child, at every moment:
 *  - A page that is taken for empty has no block that the program knows.
 *  - The blocks in use are not too few: freeing all that the program knows empties no page too soon.
 *  - The free list and thread_free hold no block twice, none that the program knows, and none that
 *    the page would link again when it extends.
 *  - Walking from head to head comes by every slice exactly once.
 * What the repair makes of that, beside the survivor, is in repair.pml.
 *
 * Faults that spin has to find, each the exchange of two stores:
 *   FAULT_FULL       the count changes before the state when a page is listed as full
 *   FAULT_CURRENT    the state changes before the count when a page becomes current
 *   FAULT_ASIDE      the count changes before the state when it is put aside
 *   FAULT_WAKE       the state changes before the count when a full page is listed as partial
 *   FAULT_EXTEND     blocks are in the free list before the page counts them as linked
 *   FAULT_PUSH       a block is in the free list before it is linked to the others
 *   FAULT_SPLIT      a span is shortened before the rest is a span
 *   FAULT_ABSORB     a span's head is gone before the span before it is longer
 */
#define BLOCKS 3
#define HEAPS 1
#define STEPS 7
#define GIVES 2

#include "page.inc"
#include "stores.inc"

/* The program stops knowing a block before it frees it. A page that empties rests here: it would
 * be retained, and a child drops such pages. */
proctype owner() {
    byte before, after, top, token, settling, following, block, steps;
    do
    :: steps < STEPS ->
       steps++;
       if
       :: state == CURRENT && free_list != 0 -> pop_in_two()
       :: state == CURRENT && free_list == 0 && thread_free != 0 -> page_collect_in_three()
       :: state == CURRENT && free_list == 0 && capacity < BLOCKS -> page_extend()
       :: state == CURRENT && free_list == 0 && capacity == BLOCKS -> list_full_in_two()
       :: state == CURRENT && in_use > 0 -> put_aside_in_two()
       :: state == PARTIAL && used > 0 -> make_current_in_two()
       :: tokens[1] != 0 -> settle_tokens()
       :: atomic { program_has_blocks -> choose(block, NOBODY) };
          push_in_three();
          if
          :: state == FULL_STATE && used == 0 -> wake_in_three()
          :: else
          fi
       :: true
       fi
    :: else -> break
    od
}

proctype freer() {
    byte before, after, top, token, block, gives;
    do
    :: gives < GIVES ->
       gives++;
       if
       :: atomic { program_has_blocks -> choose(block, NOBODY) };
          push(block, block, 1)
       :: true
       fi
    :: else -> break
    od
}

/* ---- spans: the shape of a head is its length and whether it is free, in one word ---- */

#define SLICES 4
#define SPLITS 6
#define IN_USE 1
#define FREE 2
#define SHAPE(kind, length) ((kind) << 4 | (length))
#define KIND(shape) ((shape) >> 4)
#define LENGTH(shape) ((shape) & 15)

byte shapes[SLICES + 1];

inline child_walks_region() {
    at = 0;
    do
    :: at < SLICES -> assert(KIND(shapes[at]) != 0); at = at + LENGTH(shapes[at])
    :: else -> break
    od;
    assert(at == SLICES);
    at = 0
}

inline split(head, length) {
    other = head + length;
#ifdef FAULT_SPLIT
    top = SHAPE(KIND(shapes[head]), LENGTH(shapes[head]) - length);
    shapes[head] = SHAPE(KIND(shapes[head]), length);
    shapes[other] = top
#else
    shapes[other] = SHAPE(KIND(shapes[head]), LENGTH(shapes[head]) - length);
    shapes[head] = SHAPE(KIND(shapes[head]), length)
#endif
}

inline absorb(head) {
    other = head + LENGTH(shapes[head]);
#ifdef FAULT_ABSORB
    top = LENGTH(shapes[other]);
    shapes[other] = 0;
    shapes[head] = SHAPE(KIND(shapes[head]), LENGTH(shapes[head]) + top)
#else
    shapes[head] = SHAPE(KIND(shapes[head]), LENGTH(shapes[head]) + LENGTH(shapes[other]));
    shapes[other] = 0
#endif
}

proctype spans() {
    byte head, other, top, splits;
    do
    :: splits < SPLITS ->
       splits++;
       /* Any head. */
       head = 0;
       do
       :: head + LENGTH(shapes[head]) < SLICES -> head = head + LENGTH(shapes[head])
       :: break
       od;
       if
       :: LENGTH(shapes[head]) > 1 -> split(head, 1)
       :: LENGTH(shapes[head]) > 2 -> split(head, 2)
       :: head + LENGTH(shapes[head]) < SLICES -> absorb(head)
       :: shapes[head] = SHAPE(FREE, LENGTH(shapes[head]))
       :: shapes[head] = SHAPE(IN_USE, LENGTH(shapes[head]))
       fi
    :: else -> break
    od
}

/* ---- the fork, at any moment ---- */

proctype child_of_page() {
    byte at, known;
    d_step { child_repairs_page() }
}

proctype child_of_region() {
    byte at;
    d_step { child_walks_region() }
}

init {
    if
    :: atomic {
           free_list = 1;
           used = 1;
           run owner();
           run freer();
           run child_of_page()
       }
    :: atomic {
           shapes[0] = SHAPE(FREE, SLICES);
           run spans();
           run child_of_region()
       }
    fi
}
