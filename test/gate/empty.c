/* The empty program: what it takes is what everything takes.
 * SPDX-License-Identifier: MIT */
int main(void) { return 0; }
