// A small file of ours below a root, replaced as a whole, with the lock of whoever works on what it records beside it.
//
// The root may be read by others (web servers go through it to the certificates); what is private begins below it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "durable/runtime.h"

namespace lockstep::durable {

struct RecordPlace {
  std::string root;  // made with mode 0755 if it is missing
  std::string path;  // below it, ends in ".json"; missing directories are made with mode 0700
};

// Replaces the record (mode 0600), making its directories; an error takes those away again. Errors: those of
// atomic_write_bytes.
Status write_record(Runtime& runtime, const RecordPlace& place, std::string_view bytes);

// Locks "NAME.lock" beside "NAME.json", which is never removed, so it is the one that everybody waits for. What a crash
// left of an unfinished replacement goes: the holder alone writes the record. Error: lock_timeout.
Result<std::unique_ptr<fs::File>> lock_record(Runtime& runtime, const RecordPlace& place);

}  // namespace lockstep::durable
