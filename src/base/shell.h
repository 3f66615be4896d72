// Commands that an error or a report offers to be pasted.
#pragma once

#include <string>
#include <string_view>

namespace lockstep {

// The text as one word of a POSIX shell: as it is where that is plain, else in single quotes.
std::string shell_word(std::string_view text);

}  // namespace lockstep
