// bench_prepare_ca DIR COUNT active|revoked: gives the CA in DIR an index of COUNT entries, in one commit. Only the
// index and the counters: certificates of so many entries would take minutes and are not read by what is measured.
#include <charconv>
#include <cstdio>
#include <string_view>

#include "base/system.h"
#include "ca/flat_ledger.h"
#include "ca/index.h"
#include "durable/generation_store.h"
#include "fs/posix_file_system.h"

namespace {

using namespace lockstep;

Status write_index(durable::MemberSink& sink, ca::Serial count, bool revoked, UnixSeconds now) {
  TRY(sink.write(count == 0 ? ca::kEmptyIndex : ca::kIndexBegin));
  for (ca::Serial i = 0; i < count; ++i) {
    ca::IndexEntry entry{i + 2, "CN=device-" + std::to_string(i) + ".fleet.example", now - 86'400, now + 86'400, {}};
    if (revoked) entry.revocation = ca::Revocation{now - 3600, x509::RevocationReason::superseded};
    std::string text = ca::encode_entry(entry);
    text += i + 1 == count ? ca::kIndexEnd : ca::kIndexSeparator;
    TRY(sink.write(text));
  }
  return {};
}

Status prepare(const std::string& directory, ca::Serial count, bool revoked) {
  fs::PosixFileSystem files;
  SystemClock clock;
  SystemRandom random;
  durable::Runtime runtime{files, clock, random};
  auto writer = TRY(durable::StoreWriter::open(runtime, directory, ca::store_options()));
  durable::Change change;
  change.produce(ca::kIndexFile,
                 [&](durable::MemberSink& sink) { return write_index(sink, count, revoked, clock.now()); });
  change.put(ca::kSerialFile, ca::serial_to_hex(count + 2) + "\n");
  TRY(writer.commit(change));
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  lockstep::ca::Serial count = 0;
  if (argc != 4) {
    std::fputs("usage: bench_prepare_ca DIR COUNT active|revoked\n", stderr);
    return 2;
  }
  const std::string_view number = argv[2];
  const auto parsed = std::from_chars(number.data(), number.data() + number.size(), count);
  if (parsed.ec != std::errc{}) return 2;
  const auto status = prepare(argv[1], count, std::string_view(argv[3]) == "revoked");
  if (!status) {
    std::fprintf(stderr, "Error: %s\n", status.error().message.c_str());
    return 1;
  }
  return 0;
}
