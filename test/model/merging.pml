/* A heap is merged into another one of its thread, serves another purpose at once, and the other one
 * is merged into a third: while others free into the page, and its token is on its way.
 *
 * Models: heap_merge, move_pages, move_list, heap_destroy_pages, heap_release_if_empty,
 * release_if_empty, may_be_empty, heap_put_aside_current (heap/sweep.c), tell, give
 * (heap/remote.c), arrive, heap_push_token, settle_token (heap/token.c), heap_start (heap/heap.c),
 * beside all that frees.pml models.
 *
 * The owner works with the page of heap 1, merges heap 1 into heap 2, and that one into heap 3. Then
 * it destroys heap 3, when nobody frees any more, or leaves the page as it is. Two threads free. A
 * third one takes heap 1, when it is free, for another purpose, and settles what it finds there.
 * Shown for every schedule:
 *  - Two threads never use the plain fields of the page at the same time.
 *  - Nobody touches the page once it was given back or destroyed, and no token outlives it.
 *  - When all have come to rest, the page's heap knows all: no token is left with another one, no
 *    freed block is lost, and the page is left as full only when it is.
 *
 * Faults that spin has to find:
 *   FAULT_NO_LOOK       who pushes a token does not look whether the page is still there
 *   FAULT_NO_WAIT       merging does not wait for who is on the way to the old heap
 *   FAULT_SETTLE_EARLY  ... but after it has settled
 *   FAULT_BLOCK_ALONE   the old heap gives the page the block of its token, and lists it nowhere
 */
#define MERGES
#define BLOCKS 2
#define HEAPS 3
#define FREERS 2
#define STEPS 1
#define GIVES 1

/* The page was given back, or destroyed. */
bit gone;
#define TOUCH assert(!gone)

#define FREER 2
#define GIVEN(block) holder[block] = (before == FULL -> holder[block] : NOBODY)
#define PUSHED(token) holder[token] = NOBODY; assert(!gone)

#include "page.inc"
#include "dead.inc"

byte freers_left = FREERS;

/* ---- remote.c ---- */

inline give(block) {
    from = page_heap;
    page_give(block, block, 1);
    if
    :: token != 0 -> heap_push_token()
    :: else
    fi;
    if
    :: dead[from] -> heap_release_if_empty(from)
    :: else
    fi;
    atomic { from = 0; block = 0 }
}

/* ---- sweep.c ---- */

inline detach_retained(heap) {
    if
    :: page_heap == heap && state == RETAINED -> detach()
    :: else
    fi
}

inline move_list(from, to) {
    if
    :: page_heap == from -> page_heap = to
    :: else
    fi
}

inline heap_merge(from, to) {
    lock(from);
    dead[from] = 1;
    heap_settle(from);
    heap_put_aside_current(from);
    detach_retained(from);
    lock(to);
    move_list(from, to);
#ifdef FAULT_SETTLE_EARLY
    heap_settle(from);
#endif
#ifndef FAULT_NO_WAIT
    arriving[from] == 0;
#endif
#ifndef FAULT_SETTLE_EARLY
    heap_settle(from);
#endif
    unlock(to);
    unlock(from)
}

inline heap_destroy_pages(heap) {
    lock(heap);
    heap_settle(heap);
    d_step {
        if
        :: page_heap == heap -> gone = 1; page_owner = 0; page_heap = 0
        :: else
        fi
    };
    unlock(heap)
}

/* ---- threads ---- */

inline work(heap) {
    steps = 0;
    do
    :: steps < STEPS ->
       steps++;
       if
       :: allocate(heap)
       :: atomic { page_heap == heap && program_has_blocks -> choose(block, FREER) };
          free_own(heap, block)
       :: true
       fi
    :: else -> break
    od
}

bit free_heap[HEAPS + 1];

proctype owner() {
    byte before, after, top, token, settling, following, each, block, steps;
    bit found;
    work(1);
    heap_merge(1, 2);
    free_heap[1] = 1;
    heap_merge(2, 3);
    free_heap[2] = 1;
    if
    :: freers_left == 0 -> heap_destroy_pages(3)
    :: true
    fi
}

proctype freer() {
    byte before, after, top, token, settling, following, each, block, gives, from;
    byte seen, looking, where;
    bit ripe;
    do
    :: gives < GIVES ->
       gives++;
       if
       :: atomic { program_has_blocks -> choose(block, FREER) };
          give(block)
       :: true /* there is nothing to free */
       fi
    :: else -> break
    od;
    freers_left--
}

/* heap_start, and the first slow path after it. */
inline use_anew(heap) {
    free_heap[heap] == 1;
    lock(heap);
    dead[heap] = 0;
    heap_settle(heap);
    unlock(heap)
}

proctype next() {
    byte before, after, top, token, settling, following, each;
    use_anew(1)
}

init {
    byte before, after, top, token, settling, following, each;
    atomic {
        make_page();
        d_step {
            for (each : 1 .. BLOCKS) { holder[each] = PROGRAM };
            free_list = 0;
            used = BLOCKS + 1;
            each = 0
        };
        run owner();
        run freer();
        run freer();
        run next()
    }
    /* When all have ended. */
    _nr_pr == 1;
    if
    :: page_heap == 3 ->
       lock(3);
       heap_settle(3);
       unlock(3);
       d_step {
           assert(state != FULL_STATE || thread_free == FULL);
           assert(in_use - COUNT(thread_free) ==
                  (holder[1] == PROGRAM) + (holder[2] == PROGRAM))
       }
    :: else -> assert(gone)
    fi;
    d_step { assert(!plain && tokens[1] == 0 && tokens[2] == 0 && tokens[3] == 0) }
}
