/* A thread ends, others free its last blocks, adopt its page, and take over its record.
 *
 * Models: heap_abandon, detach_resting, heap_release_if_empty, may_be_empty,
 * heap_put_aside_current (heap/sweep.c), take_from, switch_to_found, heap_start (heap/heap.c),
 * give, tell (heap/remote.c), fast_free (alloc/fast.h), idle_sweep (heap/idle.c), beside all that frees.pml models.
 *
 * Heap 1 has a page. Its thread works, ends, and another thread begins in the same record, works and
 * ends. A thread with heap 2 adopts the page if it can, works, and ends. A third thread frees blocks
 * that it did not allocate. In the end the scavenger makes a pass. Shown for every schedule:
 *  - Two threads never use the plain fields of the page at the same time.
 *  - The page is given back once, and only when no block of it is in anybody's hands.
 *  - When heap 1 is dead at the end and no block of its page is live, the page has been given back;
 *    after the pass, that of either heap.
 *
 * Faults that spin has to find:
 *   FAULT_DEAD_LATE    the heap is said to be dead after its pages were looked at, not before
 *   FAULT_NO_LOOK      who frees into the page does not look whether its heap is dead
 *   FAULT_OWNER        adopting leaves the page its owner
 *   FAULT_ANY_STATE    a page of a heap that lives again is adopted
 *   FAULT_LIVE_ONLY    the scavenger leaves dead heaps out
 */
#define BLOCKS 2
#define HEAPS 2
#define STEPS 2
#define GIVES 2

bit gone;
#define TOUCH assert(!gone)

/* A block is the freer's until the page has it, a token until the heap has it. */
#define FREER 2
#define GIVEN(block) holder[block] = (before == FULL -> holder[block] : NOBODY)
#define PUSHED(token) holder[token] = NOBODY

#include "page.inc"
#include "dead.inc"

/* ---- sweep.c ---- */

inline heap_abandon(heap) {
    lock(heap);
#ifndef FAULT_DEAD_LATE
    dead[heap] = 1;
#endif
    heap_settle(heap);
    heap_put_aside_current(heap);
    if
    :: page_heap == heap && state == RETAINED -> detach()
    :: page_heap == heap && state == PARTIAL && is_empty -> detach()
    :: else
    fi;
#ifdef FAULT_DEAD_LATE
    dead[heap] = 1;
#endif
    unlock(heap)
}

inline heap_start(heap) {
    lock(heap);
    dead[heap] = 0;
    unlock(heap)
}

/* ---- heap.c ---- */

#ifdef FAULT_ANY_STATE
#define adopts(other) (page_heap == other)
#else
#define adopts(other) (dead[other] && page_heap == other)
#endif

/* take_from and switch_to_found. Never waits for the other heap. */
inline adopt(other, heap) {
    if
    :: atomic { heap_lock[other] == 0 -> heap_lock[other] = 1 };
       if
       :: adopts(other) -> heap_settle(other)
       :: else
       fi;
       if
       :: adopts(other) && state == PARTIAL ->
          state = TAKEN;
#ifndef FAULT_OWNER
          page_owner = 0;
#endif
          page_heap = heap
       :: else
       fi;
       unlock(other)
    :: heap_lock[other] != 0
    fi;
    if
    :: page_heap == heap && state == TAKEN ->
       lock(heap);
       make_current(heap);
       unlock(heap)
    :: else
    fi
}

/* ---- free ---- */

inline give(block) {
    from = page_heap;
    push(block, block, 1);
    if
#ifndef FAULT_NO_LOOK
    :: dead[from] -> heap_release_if_empty(from)
#endif
    :: else
    fi
}

/* Local if the owner word says so at this moment, else as any other thread does it. */
inline free(heap, block) {
    if
    :: page_owner == heap -> free_own(heap, block)
    :: page_owner != heap && page_heap == heap -> free_own(heap, block)
    :: page_owner != heap && page_heap != heap -> give(block)
    fi
}

/* ---- threads ---- */

inline work(heap) {
    steps = 0;
    do
    :: steps < STEPS ->
       steps++;
       if
       :: allocate(heap)
       :: atomic { program_has_blocks -> choose(block, FREER) };
          free(heap, block)
       :: true /* sleep */
       fi
    :: else -> break
    od
}

/* Two threads, one after the other in one record. */
proctype first_and_next() {
    byte before, after, top, token, settling, following, each, block, steps, from;
    bit found;
    work(1);
    heap_abandon(1);
    heap_start(1);
    work(1);
    heap_abandon(1)
}

proctype adopter() {
    byte before, after, top, token, settling, following, each, block, steps, from;
    bit found;
    adopt(1, 2);
    work(2);
    heap_abandon(2)
}

proctype freer() {
    byte before, after, top, token, settling, following, each, block, gives, from;
    do
    :: gives < GIVES ->
       gives++;
       if
       :: atomic { program_has_blocks -> choose(block, FREER) };
          give(block)
       :: true /* there is nothing to free */
       fi
    :: break
    od
}

/* Of a dead heap it takes what is empty, as who frees does. */
inline idle_sweep(heap) {
#ifndef FAULT_LIVE_ONLY
    heap_release_if_empty(heap)
#else
    skip
#endif
}

init {
    byte before, after, top, token, settling, following, each;
    atomic {
        make_page();
        run first_and_next();
        run adopter();
        run freer()
    }
    /* When all have ended. */
    _nr_pr == 1;
    d_step {
        assert(!plain);
        each = 0;
        if
        :: page_heap == 1 ->
           assert(dead[1] && tokens[1] == 0);
           assert(holder[1] == PROGRAM || holder[2] == PROGRAM)
        :: else
        fi
    }
    idle_sweep(1);
    idle_sweep(2);
    d_step {
        if
        :: page_heap != 0 -> assert(holder[1] == PROGRAM || holder[2] == PROGRAM)
        :: else
        fi
    }
}
