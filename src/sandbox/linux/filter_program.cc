#include "sandbox/linux/filter_program.h"

#include <linux/seccomp.h>

#include <algorithm>
#include <cstddef>
#include <span>

namespace hearth::sandbox {
namespace {

// Set in the numbers of the x32 architecture, which is told apart from x86-64 by nothing else.
constexpr std::uint32_t kX32Bit = 0x4000'0000;
constexpr std::size_t kFarthestJump = 255;  // of a conditional one: 8 bits

// Where an instruction stands, counted from the program's end.
using Label = std::size_t;

// Writes a program from its end to its beginning, as jumps lead forward only: their targets are known.
class Writer {
 public:
  Label load(std::size_t offset) {
    return push(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
  }
  Label mask(std::uint32_t bits) { return push(BPF_ALU | BPF_AND | BPF_K, bits); }
  Label answer(std::uint32_t action) { return push(BPF_RET | BPF_K, action); }
  // `condition` is BPF_JEQ or BPF_JGE.
  Label branch(std::uint16_t condition, std::uint32_t value, Label yes, Label no) {
    // Bringing one nearer moves the other away, by one.
    yes = near(yes, 1);
    no = near(no, 0);
    return push(static_cast<std::uint16_t>(BPF_JMP | condition | BPF_K), value, distance(yes), distance(no));
  }

  std::vector<sock_filter> finish() && {
    std::reverse(code_.begin(), code_.end());
    return std::move(code_);
  }

 private:
  std::size_t distance(Label to) const { return code_.size() - 1 - to; }
  Label near(Label to, std::size_t margin) {
    return distance(to) + margin <= kFarthestJump
               ? to
               : push(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(distance(to)));
  }
  Label push(std::uint16_t code, std::uint32_t value, std::size_t yes = 0, std::size_t no = 0) {
    code_.push_back({code, static_cast<std::uint8_t>(yes), static_cast<std::uint8_t>(no), value});
    return code_.size() - 1;
  }

  std::vector<sock_filter> code_;
};

std::size_t offset_of_argument(unsigned argument) {
  return offsetof(seccomp_data, args) + argument * sizeof(std::uint64_t);  // its lower half comes first
}

// Conditions that agree in their first `depth` checks: loads what the next one is about and looks for the
// values that it may have.
Label write_conditions(Writer& writer, std::span<const Conditions> all, std::size_t depth, Label yes,
                       Label no) {
  if (all.front().size() == depth) {
    return yes;
  }
  Label next = no;
  for (auto end = all.size(); end > 0;) {
    const auto value = all[end - 1][depth].value;
    auto begin = end - 1;
    while (begin > 0 && all[begin - 1][depth].value == value) {
      --begin;
    }
    const Label within = write_conditions(writer, all.subspan(begin, end - begin), depth + 1, yes, no);
    next = writer.branch(BPF_JEQ, value, within, next);
    end = begin;
  }
  const auto& check = all.front()[depth];
  if (check.mask != 0xFFFF'FFFF) {
    writer.mask(check.mask);
  }
  return writer.load(offset_of_argument(check.argument));
}

// From this number up to the next range's the answer is the same.
struct Range {
  std::uint32_t first = 0;
  Label answer = 0;
};

Label write_search(Writer& writer, std::span<const Range> ranges) {
  if (ranges.size() == 1) {
    return ranges.front().answer;
  }
  const auto middle = ranges.size() / 2;
  const Label upper = write_search(writer, ranges.subspan(middle));
  const Label lower = write_search(writer, ranges.first(middle));
  return writer.branch(BPF_JGE, ranges[middle].first, upper, lower);
}

// `by_number` says where the answer of each named call stands; ranges follow one another from 0 on.
std::vector<Range> ranges_of(const std::map<std::uint32_t, Label>& by_number, Label otherwise,
                             Label foreign) {
  std::vector<Range> ranges = {{0, otherwise}};
  const auto from = [&](std::uint32_t first, Label answer) {
    if (ranges.back().first == first) {
      ranges.pop_back();
    }
    if (ranges.empty() || ranges.back().answer != answer) {
      ranges.push_back({first, answer});
    }
  };
  for (const auto& [number, answer] : by_number) {
    from(number, answer);
    from(number + 1, otherwise);
  }
  from(kX32Bit, foreign);
  from(0xFFFF'FFFF, otherwise);  // a call that a tracer has taken back
  return ranges;
}

}  // namespace

base::Result<std::vector<sock_filter>> FilterTable::compile(std::uint32_t architecture) const {
  Writer writer;
  std::map<std::uint32_t, Label> answers;  // by action
  const auto answer = [&](std::uint32_t action) {
    const auto found = answers.find(action);
    return found != answers.end() ? found->second : answers[action] = writer.answer(action);
  };
  const Label foreign = answer(SECCOMP_RET_KILL_PROCESS);
  const Label allowed = answer(SECCOMP_RET_ALLOW);
  const Label otherwise = answer(otherwise_);
  std::map<std::uint32_t, Label> by_number;
  for (const auto& [number, action] : actions_) {
    by_number[number] = answer(action);
  }
  for (const auto& [number, conditions] : conditional_) {
    by_number[number] = write_conditions(writer, conditions, 0, allowed, otherwise);
  }
  write_search(writer, ranges_of(by_number, otherwise, foreign));  // the root of the search comes first
  const Label number = writer.load(offsetof(seccomp_data, nr));
  writer.branch(BPF_JEQ, architecture, number, foreign);
  writer.load(offsetof(seccomp_data, arch));
  auto program = std::move(writer).finish();
  if (program.size() > BPF_MAXINSNS) {
    return base::Error{base::ErrorCode::kTooLarge, "the system call filter is longer than the kernel takes"};
  }
  return program;
}

}  // namespace hearth::sandbox
