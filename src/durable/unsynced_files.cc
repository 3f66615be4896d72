#include "durable/unsynced_files.h"

namespace lockstep::durable {

namespace {
constexpr std::size_t kOpenFiles = 64;  // far below the usual limit of descriptors
}  // namespace

Status UnsyncedFiles::add(std::unique_ptr<fs::File> file) {
  TRY(file->start_writeback());
  files_.push_back(std::move(file));
  return files_.size() < kOpenFiles ? Status() : sync();
}

Status UnsyncedFiles::sync() {
  // The last one first: when its write-back has come to its end the others' most likely have, and their fsyncs find
  // little left to do.
  for (; !files_.empty(); files_.pop_back()) {
    TRY(files_.back()->sync());
    TRY(files_.back()->close());
  }
  return {};
}

}  // namespace lockstep::durable
