/* The alarm: whatever comes up while the scavenger falls asleep is seen, or wakes it.
 *
 * Models: alarm_set, alarm_sleep, alarm_wait, alarm_ring_always (memory/alarm.c); alarm_ring
 * (memory/alarm.h); run, sleep_until_rung, scavenge_pass (heap/scavenge.c); heap_arm,
 * heap_bound_retained, heap_housekeep (heap/retain.c); heap_list_current (heap/state.h); tell
 * (heap/remote.c).
 *
 * One heap. Its owner has pages retire, lists its current page and looks at the clock, which it does
 * before it knows of the scavenger; another thread frees into that page. The scavenger takes all
 * that it sees, and never what is current. Shown for every schedule:
 *  - When the threads have ended and the scavenger sleeps for good, nothing is left to take.
 *
 * Faults that spin has to find:
 *   FAULT_LOOK_FIRST   the alarm is set after the scavenger has looked, not before
 *   FAULT_NOT_ARMED    it falls asleep without another look at what is retained
 *   FAULT_STAYS_NOTED  arming leaves the heap as it is: what retires then does not ring
 *   FAULT_DISARMS      who looks at the clock has the heap as it was before it was armed
 *   FAULT_RING_FIRST   who frees rings before the free, not after
 *   FAULT_SILENT_LIST  a page that is listed with what others freed does not ring
 */
#define RETIRES 2
#define FREES 2

mtype = { ASLEEP, SET, RUNG };
mtype alarm = RUNG;

bit locked;
byte retained, noted = RETIRES; /* beyond `noted` retiring looks closer */
bit current = 1;                /* the page */
byte pending;                   /* in it */
bit sleeps;
byte ended;

inline lock() { atomic { !locked -> locked = 1 } }
inline unlock() { locked = 0 }

inline alarm_ring() {
    if
    :: alarm != RUNG -> alarm = RUNG /* wakes who sleeps on the word */
    :: else
    fi
}

/* Under the lock. What is armed stays so until it has rung. */
inline heap_read_retain_limit() {
    if
#ifdef FAULT_DISARMS
    :: noted == 0 -> noted = RETIRES
#endif
    :: else
    fi
}

/* ---- the scavenger ---- */

inline scavenge_pass() {
    found = 0;
    lock();
    heap_read_retain_limit();
    if
    :: retained > 0 -> retained = 0; found = 1
    :: else
    fi;
    unlock();
    lock();
    if
    :: !current && pending > 0 -> pending = 0; found = 1
    :: else
    fi;
    unlock()
}

/* Armed, the heap rings at the next page that retires. */
inline heap_arm() {
    lock();
#ifndef FAULT_STAYS_NOTED
    noted = 0;
#endif
#ifndef FAULT_NOT_ARMED
    quiet = (retained == 0);
#endif
    unlock()
}

active proctype scavenger() {
    bit found, quiet, was_set;
end:
    do
    :: true ->
#ifndef FAULT_LOOK_FIRST
       alarm = SET;
#endif
       scavenge_pass();
#ifdef FAULT_LOOK_FIRST
       alarm = SET;
#endif
       if
       :: found /* rests for a window, and looks again */
       :: !found ->
          atomic {
              was_set = (alarm == SET);
              alarm = (was_set -> ASLEEP : alarm)
          };
          quiet = was_set;
          if
          :: was_set -> heap_arm()
          :: else
          fi;
          if
          :: quiet ->
             sleeps = 1;
end_asleep:  alarm != ASLEEP;
             sleeps = 0
          :: else
          fi
       fi;
       found = 0;
       quiet = 0
    od
}

/* ---- the others ---- */

inline heap_retire() {
    lock();
    retained++;
    if
    :: retained > noted -> alarm_ring(); noted = RETIRES
    :: else
    fi;
    unlock()
}

/* It may find nothing to release. */
inline heap_housekeep() {
    lock();
    heap_read_retain_limit();
    unlock()
}

inline heap_list_current() {
    lock();
    current = 0;
#ifndef FAULT_SILENT_LIST
    if
    :: pending > 0 -> alarm_ring()
    :: else
    fi;
#endif
    unlock()
}

active proctype owner() {
    byte retires;
    bit housekept;
    do
    :: !housekept -> housekept = 1; heap_housekeep()
    :: retires < RETIRES -> retires++; heap_retire()
    :: current -> heap_list_current()
    :: retires == RETIRES && !current && housekept -> break
    od;
    ended++
}

active proctype freer() {
    byte frees;
    do
    :: frees < FREES ->
       frees++;
#ifdef FAULT_RING_FIRST
       alarm_ring();
       pending++
#else
       pending++;
       alarm_ring()
#endif
    :: else -> break
    od;
    ended++
}

active proctype end_of_all() {
    atomic {
        ended == 2 && sleeps && alarm == ASLEEP ->
        assert(retained == 0 && pending == 0)
    }
}
