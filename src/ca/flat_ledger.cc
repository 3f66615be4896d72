#include "ca/flat_ledger.h"

#include <cerrno>

#include "ca/flat_ledger_reader.h"
#include "ca/flat_ledger_writer.h"
#include "ca/records.h"
#include "durable/inspect.h"
#include "fs/io.h"

namespace lockstep::ca {

namespace {

constexpr std::uint32_t kDirectoryMode = 0700;

// What may stand in a directory that a CA is to be made in: nothing but what an init that was cut off left there, and
// what every fresh file system has.
Result<bool> is_free_entry(fs::Directory& directory, const fs::DirectoryEntry& entry) {
  if (entry.name == durable::kControlDirectory || entry.name == "lost+found") return true;
  if (entry.name == kCertificatesDirectory && entry.type == fs::FileType::directory) {
    const std::unique_ptr<fs::Directory> certificates = TRY(directory.open_directory(entry.name));
    const std::vector<fs::DirectoryEntry> inside = TRY(certificates->list());
    return inside.empty();
  }
  if (entry.type != fs::FileType::symlink) return false;
  const std::string target = TRY(directory.read_symlink(entry.name));
  return target == durable::stable_target(entry.name);
}

std::unexpected<Error> not_initialized() {
  return fail(ErrorCode::not_initialized, "CA not initialized. Run 'ca init' first.");
}

}  // namespace

durable::SecretFiles secrets() { return {.names = {kKeyFile, kServerKeyFile}, .forbidden = 0077}; }

durable::StoreOptions store_options() {
  // The index may be large: no more copies of it than a crash needs.
  return {.kind = kStoreKind,
          .directory_mode = kDirectoryMode,
          .group = {},
          .keep = {.generations = 2, .seconds = 0},
          .may_roll_back = false};
}

FlatLedger::FlatLedger(durable::Runtime& runtime, std::string data_directory,
                       std::function<void(const std::string&)> warn)
    : runtime_(runtime), directory_(std::move(data_directory)), warn_(std::move(warn)) {}

std::string FlatLedger::certificate_path(Serial serial) const {
  return fs::join_path(fs::join_path(directory_, kCertificatesDirectory), serial_to_hex(serial) + ".pem");
}

Status FlatLedger::check_directory(bool must_exist) {
  auto stat = runtime_.files.stat_path(directory_);
  if (!stat) {
    if (stat.error().system_errno != ENOENT) return fail(std::move(stat).error());
    return must_exist ? not_initialized() : Status();
  }
  const std::string quoted = "'" + directory_ + "'";
  if (stat->type == fs::FileType::symlink) {
    return fail(ErrorCode::invalid_argument, "the data directory " + quoted + " is a symbolic link",
                "name the directory that it leads to");
  }
  if (stat->type != fs::FileType::directory) {
    return fail(ErrorCode::invalid_argument, "the data directory " + quoted + " is not a directory",
                "name another with --data-dir");
  }
  if (stat->uid != runtime_.files.effective_user()) {
    return fail(ErrorCode::permission_denied,
                "the data directory " + quoted + " is owned by uid " + std::to_string(stat->uid) +
                    ", not by you (uid " + std::to_string(runtime_.files.effective_user()) + ")",
                "run as its owner, or name another with --data-dir");
  }
  return {};
}

Status FlatLedger::check_initialized() {
  TRY(check_directory(true));
  const auto control = fs::join_path(directory_, durable::kControlDirectory);
  auto opened = runtime_.files.open_directory(control);
  if (!opened) {
    if (opened.error().system_errno == ENOENT) return not_initialized();
    return fail(std::move(opened).error());
  }
  // A directory without a pointer may be an init that was cut off, or damage: only the latter has a history.
  const bool has_pointer = TRY(fs::entry_exists(**opened, durable::kCurrentPointer));
  const bool has_history = TRY(fs::entry_exists(**opened, durable::kHistoryFile));
  return has_pointer || has_history ? Status() : Status(not_initialized());
}

Status FlatLedger::check_can_initialize() {
  TRY(check_directory(false));
  auto opened = runtime_.files.open_directory(directory_);
  if (!opened) {
    if (opened.error().system_errno == ENOENT) return {};
    return fail(std::move(opened).error());
  }
  const auto initialized = [&] {
    return fail(ErrorCode::already_initialized, "CA already initialized at " + directory_);
  };
  if (check_initialized()) return initialized();
  const std::vector<fs::DirectoryEntry> entries = TRY((*opened)->list());
  std::string foreign;
  for (const fs::DirectoryEntry& entry : entries) {
    const bool is_free = TRY(is_free_entry(**opened, entry));
    if (is_free) continue;
    // A key or a certificate alone is half a CA: never overwritten.
    if (entry.name == kKeyFile || entry.name == kCertificateFile) return initialized();
    if (foreign.empty() || entry.name < foreign) foreign = entry.name;
  }
  if (!foreign.empty()) {
    return fail(ErrorCode::foreign_file,
                "the data directory '" + directory_ + "' holds something that is not a CA's: '" + foreign + "'",
                "name an empty or a new directory with --data-dir");
  }
  return {};
}

Status FlatLedger::initialize(const AuthorityFiles& authority) {
  TRY(check_can_initialize());
  // A directory that was there is closed to others for the key's sake, and opened again if nothing comes of it.
  std::unique_ptr<fs::Directory> existing;
  std::uint32_t mode_before = kDirectoryMode;
  auto opened = runtime_.files.open_directory(directory_);
  if (opened) {
    existing = std::move(*opened);
    const fs::Stat stat = TRY(existing->stat());
    mode_before = stat.mode;
    if (mode_before != kDirectoryMode) TRY(existing->change_mode(kDirectoryMode));
  }
  Status status = initialize_store(authority);
  if (!status && status.error().code != ErrorCode::commit_uncertain && existing != nullptr &&
      mode_before != kDirectoryMode) {
    const Status restored = existing->change_mode(mode_before);
    if (!restored) return fail(std::move(status).error().with_hint("also: " + restored.error().message));
  }
  return status;
}

Status FlatLedger::initialize_store(const AuthorityFiles& authority) {
  durable::StoreWriter writer = TRY(durable::StoreWriter::open(runtime_, directory_, store_options()));
  if (writer.current() != nullptr) {
    return fail(ErrorCode::already_initialized, "CA already initialized at " + directory_);
  }
  Status made = writer.directory().make_directory(kCertificatesDirectory, kDirectoryMode);
  const bool made_here = made.has_value();
  if (!made && made.error().system_errno != EEXIST) return made;

  durable::Change change;
  change.put(kIndexFile, std::string(kEmptyIndex), 0600)
      .put(kKeyFile, std::string(authority.key_pem.reveal()), 0600)
      .put(kCertificateFile, authority.certificate_pem, 0644)
      .put(kSerialFile, serial_to_hex(kRootSerial + 1) + "\n", 0600)
      .put(kCrlNumberFile, serial_to_hex(1) + "\n", 0600);
  auto committed = writer.commit(change);
  if (committed) return {};
  if (committed.error().code != ErrorCode::commit_uncertain && made_here) {
    const Status removed = writer.directory().remove_directory(kCertificatesDirectory);
    static_cast<void>(removed);  // an empty folder remains, which the next init uses
  }
  return fail(std::move(committed).error());
}

Status FlatLedger::recover_for_reading() {
  auto needed = durable::needs_recovery(runtime_.files, directory_);
  if (!needed || !*needed) return {};
  durable::Runtime at_once{runtime_.files, runtime_.clock, runtime_.random, std::chrono::milliseconds(0)};
  auto writer = durable::StoreWriter::open(at_once, directory_, store_options());
  // A writer under way is no reason to warn: what looks left over is its work.
  if (writer || writer.error().code == ErrorCode::lock_timeout) return {};
  // Who looks at the file sees something else than we would show.
  if (writer.error().code == ErrorCode::edited_by_hand) return fail(writer.error());
  warn_("what a crash left in '" + directory_ + "' could not be cleaned up: " + writer.error().message);
  return {};
}

Result<std::unique_ptr<LedgerReader>> FlatLedger::read() {
  TRY(check_initialized());
  TRY(recover_for_reading());
  durable::Snapshot snapshot = TRY(durable::Snapshot::open(runtime_.files, directory_));
  // A writer that was killed between its rename and its fsync left a state that a power cut may take back. What is
  // shown from here on must not be: a serial that somebody has seen is never given again.
  TRY(durable::make_pointer_durable(runtime_.files, directory_));
  std::unique_ptr<LedgerReader> reader =
      std::make_unique<FlatLedgerReader>(runtime_.files, directory_, std::move(snapshot));
  return reader;
}

Result<std::unique_ptr<LedgerWriter>> FlatLedger::write() {
  TRY(check_initialized());
  durable::StoreWriter store = TRY(durable::StoreWriter::open(runtime_, directory_, store_options()));
  if (store.current() == nullptr) return not_initialized();
  auto writer = std::make_unique<FlatLedgerWriter>(runtime_, std::move(store));
  TRY(writer->prepare());
  return std::unique_ptr<LedgerWriter>(std::move(writer));
}

}  // namespace lockstep::ca
