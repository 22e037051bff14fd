#!/bin/sh
# redis-server on a unix socket: a data set whose digest is compared, then redis-benchmark, whose
# keys are random, so that of its work only the counts are printed.
set -e
redis-server --port 0 --unixsocket redis.sock --daemonize no --save '' --appendonly no \
    --activedefrag no --enable-debug-command local --loglevel warning --logfile redis.log &
server=$!
trap 'kill $server 2>/dev/null || true' EXIT
redis() { redis-cli -s redis.sock "$@"; }
tries=0
until redis ping >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || { cat redis.log; exit 1; }
    sleep 0.1
done
awk 'BEGIN {
    for (i = 0; i < 60000; i++) {
        key = (i * 7919) % 50021
        text = substr("0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz", \
            1 + i % 36, 1 + i % 30)
        if (i % 5 == 0) printf "SET string:%d %s%d\r\n", key, text, i
        if (i % 5 == 1) printf "HSET hash:%d field%d %s\r\n", key % 700, i, text
        if (i % 5 == 2) printf "RPUSH list:%d %s%d\r\n", key % 500, text, key
        if (i % 5 == 3) printf "ZADD set:%d %d member%d\r\n", key % 300, i % 1000, i
        if (i % 5 == 4) printf "APPEND string:%d %s\r\n", key % 4000, text
        if (i % 11 == 0) printf "DEL string:%d hash:%d\r\n", (key * 3) % 50021, key % 700
    }
}' | redis --pipe | grep -o 'errors: .*'
redis dbsize
redis debug digest
redis lrange list:7 0 20
redis hgetall hash:21 | sort | cksum
redis keys 'string:4*' | sort | cksum
redis-benchmark -s redis.sock -q -n 60000 -P 16 -r 40000 -d 100 \
    -t set,get,incr,lpush,sadd,hset,zadd >benchmark.txt
tr '\r' '\n' <benchmark.txt | grep -c 'requests per second, p50'
redis llen mylist
redis shutdown nosave
wait $server
