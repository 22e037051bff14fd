#!/bin/sh
# gcc compiles a large generated file, in which every function differs.
set -e
awk 'BEGIN {
    print "typedef struct { long key; double weight; char name[32]; } item;"
    print "long total; item items[1000];"
    for (i = 0; i < 200; i++) {
        printf "static long f%d(item *a, long n) {\n    long s = %d;\n", i, i
        printf "    for (long i = 0; i < n; i++) {\n"
        printf "        if (a[i].key %% %d == %d) s += a[i].key * %d;\n", i % 13 + 2, i % 2, i
        printf "        else s ^= (long)a[i].weight >> %d;\n", i % 17
        printf "        switch (s & 7) {\n"
        for (j = 0; j < 8; j++)
            printf "        case %d: a[i].name[%d] = (char)(s + %d); break;\n", j, (i + j) % 32, j
        printf "        }\n    }\n    return s;\n}\n"
    }
    print "int main(void) {"
    for (i = 0; i < 200; i++) printf "    total += f%d(items, %d);\n", i, i % 1000
    print "    return (int)(total & 1);\n}"
}' >big.c
gcc -O2 -c -o big.o big.c
cksum big.c big.o
