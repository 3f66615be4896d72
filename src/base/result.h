// Result<T>: a value or an Error, never to be ignored.
//
// TRY(expression) yields the value or returns the error from the calling function. Use it as a whole
// statement or as the whole initializer (`auto x = TRY(f());`), never inside a larger expression: g++ 12
// does not destroy the temporaries of an expression that a statement expression returns out of.
#pragma once

#include <expected>
#include <utility>

#include "base/error.h"

namespace lockstep {

template <class T>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using std::expected<T, Error>::expected;
};

using Status = Result<void>;

inline std::unexpected<Error> fail(Error error) { return std::unexpected<Error>(std::move(error)); }

inline std::unexpected<Error> fail(ErrorCode code, std::string message, std::string hint = {}) {
  return std::unexpected<Error>(Error{code, std::move(message), std::move(hint), 0});
}

namespace result_detail {
template <class T>
T take(Result<T>& result) {
  return std::move(*result);
}
inline void take(Result<void>&) {}
}  // namespace result_detail

}  // namespace lockstep

#define TRY(expression)                                                                          \
  __extension__({                                                                                \
    auto try_result_ = (expression);                                                             \
    if (!try_result_) return std::unexpected<::lockstep::Error>(std::move(try_result_).error()); \
    ::lockstep::result_detail::take(try_result_);                                                \
  })

#define TRY_CONTEXT(expression, context)                                                                               \
  __extension__({                                                                                                      \
    auto try_result_ = (expression);                                                                                   \
    if (!try_result_) return std::unexpected<::lockstep::Error>(std::move(try_result_).error().with_context(context)); \
    ::lockstep::result_detail::take(try_result_);                                                                      \
  })
