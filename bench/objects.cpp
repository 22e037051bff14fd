// A C++ program as many are: containers of strings and shared objects, built by some threads and
// dropped by others. What it prints does not depend on the order in which the threads run.
// SPDX-License-Identifier: MIT
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <sstream>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace {

constexpr int makers = 3;
constexpr int records_each = 120'000;

class Random {
  public:
    explicit Random(uint64_t seed) : state(seed * 0x9E3779B97F4A7C15u + 1) {}
    uint64_t below(uint64_t bound) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        return state % bound;
    }

  private:
    uint64_t state;
};

struct Record {
    uint64_t key = 0;
    std::string name;
    std::vector<uint32_t> values;
    std::shared_ptr<const Record> parent;
};

// 64-byte aligned: goes through the aligned operator new.
struct alignas(64) Counter {
    uint64_t sum = 0;
    void add(uint64_t value) { sum += value; }
};

class Queue {
  public:
    void push(std::shared_ptr<const Record> record) {
        std::lock_guard<std::mutex> guard(mutex);
        records.push_back(std::move(record));
        filled.notify_one();
    }
    std::shared_ptr<const Record> pop() {
        std::unique_lock<std::mutex> guard(mutex);
        filled.wait(guard, [this] { return !records.empty(); });
        auto record = std::move(records.front());
        records.pop_front();
        return record;
    }

  private:
    std::mutex mutex;
    std::condition_variable filled;
    std::deque<std::shared_ptr<const Record>> records;
};

std::shared_ptr<const Record> make_record(Random &random, uint64_t key,
                                          std::shared_ptr<const Record> parent) {
    auto record = std::make_shared<Record>();
    record->key = key;
    record->name.assign(random.below(60), static_cast<char>('a' + key % 26));
    for (uint64_t i = random.below(20); i > 0; --i) record->values.push_back(uint32_t(i * key));
    // Every tenth starts a new chain, so that the chains stay short.
    if (key % 10 != 0) record->parent = std::move(parent);
    return record;
}

void make(Queue &queue, int maker) {
    Random random(uint64_t(maker) + 1);
    std::map<std::string, std::shared_ptr<const Record>> recent;
    std::shared_ptr<const Record> last;
    for (int i = 0; i < records_each; ++i) {
        last = make_record(random, uint64_t(maker) * records_each + uint64_t(i), last);
        std::ostringstream name;
        name << "maker " << maker << " slot " << random.below(3'000);
        recent[name.str()] = last;
        queue.push(last);
    }
    queue.push(nullptr);
}

uint64_t digest(const Record &record) {
    uint64_t hash = record.key + record.name.size();
    for (uint32_t value : record.values) hash = hash * 31 + value;
    return record.parent ? hash ^ record.parent->key : hash;
}

// Kept on purpose until the process ends, when its memory is looked at.
auto &kept = *new std::unordered_map<uint64_t, std::shared_ptr<const Record>>;

// Plain calls of the operators: new expressions, the compiler may do without.
int refusals() {
    constexpr std::size_t impossible = PTRDIFF_MAX - 64;
    int count = ::operator new(impossible, std::nothrow) == nullptr ? 1 : 0;
    try {
        ::operator delete(::operator new(impossible));
    } catch (const std::bad_alloc &) {
        ++count;
    }
    return count;
}

} // namespace

int main() {
    Queue queue;
    std::vector<std::thread> threads;
    for (int i = 0; i < makers; ++i) threads.emplace_back(make, std::ref(queue), i);

    auto counter = std::make_unique<Counter>();
    std::map<std::size_t, std::vector<std::string>> by_length;
    for (int ended = 0; ended < makers;) {
        const auto record = queue.pop();
        if (!record) {
            ++ended;
            continue;
        }
        counter->add(digest(*record));
        if (record->key % 3 == 0) kept[record->key] = record;
        if (record->key % 50 == 0) by_length[record->name.size()].push_back(record->name);
    }
    for (auto &thread : threads) thread.join();

    for (const auto &[length, names] : by_length) std::printf("%zu: %zu\n", length, names.size());
    std::printf("sum %llu, kept %zu, refused %d\n", (unsigned long long)counter->sum, kept.size(),
                refusals());
    return 0;
}
