// Two files that change as one: a reader, and a restart after a power cut, sees both old or both new.
#include <iostream>

#include "base/system.h"
#include "durable/generation_store.h"
#include "fs/posix_file_system.h"

int main() {
  lockstep::fs::PosixFileSystem files;
  lockstep::SystemClock clock;
  lockstep::SystemRandom random;
  lockstep::durable::Runtime runtime{files, clock, random};

  auto writer = lockstep::durable::StoreWriter::open(runtime, "settings", {.kind = "example"});
  lockstep::durable::Change change;
  change.put("limits.json", "{\"max\": 7}\n").put("users.json", "[\"ada\"]\n", 0600);
  const auto generation = writer ? writer->commit(change) : lockstep::fail(writer.error());
  if (!generation) {
    std::cerr << "Error: " << generation.error().message << "\n";
    return 1;
  }
  std::cout << "generation " << *generation << " is live and on disk\n";
}
