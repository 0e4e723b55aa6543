#include "store/postgres/array_parameter.h"

namespace hearth::store::postgres {
namespace {

// The highest byte first.
template <typename Number>
void append(std::string& bytes, Number number) {
  for (int shift = 8 * (static_cast<int>(sizeof number) - 1); shift >= 0; shift -= 8) {
    bytes += static_cast<char>(number >> static_cast<unsigned>(shift) & 0xffU);
  }
}

}  // namespace

void ArrayParameter::add(std::int64_t number) {
  append(elements_, static_cast<std::uint32_t>(sizeof number));
  append(elements_, static_cast<std::uint64_t>(number));
  ++count_;
}

void ArrayParameter::add(std::string_view value) {
  append(elements_, static_cast<std::uint32_t>(value.size()));
  elements_ += value;
  ++count_;
}

Parameter ArrayParameter::parameter() const {
  constexpr std::uint32_t kNoNulls = 0;
  constexpr std::uint32_t kFirstIndex = 1;
  std::string whole;
  whole.reserve(elements_.size() + 5 * sizeof(std::uint32_t));
  append(whole, static_cast<std::uint32_t>(count_ == 0 ? 0 : 1));  // dimensions
  append(whole, kNoNulls);
  append(whole, element_type_);
  if (count_ > 0) {
    append(whole, count_);
    append(whole, kFirstIndex);
  }
  whole += elements_;
  return Parameter::bytes(whole);
}

}  // namespace hearth::store::postgres
