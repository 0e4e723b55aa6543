// An array as one parameter, so that one statement has many rows: SELECT … FROM unnest($1::bigint[],
// $2::bytea[]). In PostgreSQL's binary form (array_recv), which needs no quotes and holds any bytes. Pure
// values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "store/postgres/connection.h"

namespace hearth::store::postgres {

class ArrayParameter {
 public:
  static ArrayParameter of_numbers() { return ArrayParameter(kNumber); }
  static ArrayParameter of_texts() { return ArrayParameter(kText); }
  static ArrayParameter of_bytes() { return ArrayParameter(kBytes); }

  // To one of numbers, and to one of texts or bytes.
  void add(std::int64_t number);
  void add(std::string_view value);

  Parameter parameter() const;

 private:
  // The numbers of the elements' types: the same in every PostgreSQL.
  static constexpr std::uint32_t kBytes = 17;
  static constexpr std::uint32_t kNumber = 20;
  static constexpr std::uint32_t kText = 25;

  explicit ArrayParameter(std::uint32_t element_type) : element_type_(element_type) {}

  std::uint32_t element_type_;
  std::uint32_t count_ = 0;
  std::string elements_;  // each as its size and its bytes
};

}  // namespace hearth::store::postgres
