// Tells damage from a file that could not be read this time.
#include "durable/damage.h"

#include <cerrno>

namespace lockstep::durable {

bool is_damage(const Error& error) {
  switch (error.system_errno) {
    case 0:  // no system call failed: the content is wrong
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case ENXIO:
    case EINVAL:
    case ENAMETOOLONG: return true;
    default: return false;
  }
}

Result<bool> is_whole(Status checked) {
  if (checked) return true;
  if (is_damage(checked.error())) return false;
  return fail(std::move(checked).error());
}

}  // namespace lockstep::durable
