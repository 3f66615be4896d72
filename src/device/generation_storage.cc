#include "device/storage.h"
#include "durable/draft.h"
#include "durable/layout.h"
#include "fs/io.h"

namespace lockstep::device {

namespace {

constexpr const char* kCert = "cert.pem";
constexpr const char* kKey = "key.pem";

durable::StoreOptions store_options() {
  // The identity before is kept until the new one is proven, however long that takes, and not a moment longer.
  return {.kind = kIdentityStoreKind,
          .directory_mode = 0700,
          .group = {},
          .keep = {.generations = 1, .seconds = 0},
          .may_roll_back = true};
}

Result<Identity> read_identity(const durable::Snapshot& snapshot) {
  std::string certificate = TRY(snapshot.read(kCert, kIdentityLimit));
  std::string key = TRY(snapshot.read(kKey, kIdentityLimit));
  return Identity{std::move(certificate), SecretBytes(std::move(key))};
}

durable::Change change_to(const Identity& identity) {
  durable::Change change;
  change.put(kCert, identity.certificate_pem, 0644).put(kKey, std::string(identity.key_pem.reveal()), 0600);
  return change;
}

class GenerationStorage final : public IdentityStorage {
 public:
  GenerationStorage(durable::Runtime& runtime, std::string directory)
      : runtime_(runtime), directory_(std::move(directory)), draft_(directory_, store_options(), {kKey}) {}

  Result<std::optional<Identity>> load() override {
    const auto snapshot = durable::Snapshot::open(runtime_.files, directory_);
    if (!snapshot && snapshot.error().code == ErrorCode::not_found) return std::optional<Identity>();
    if (!snapshot) return fail(snapshot.error());
    Identity identity = TRY(read_identity(*snapshot));
    return std::optional(std::move(identity));
  }

  Status write_pending_key(const SecretBytes& key_pem) override {
    TRY(discard_generation());
    return draft_.save(runtime_, {key_pem.reveal()});
  }

  Result<std::optional<SecretBytes>> load_pending_key() override {
    auto contents = TRY(draft_.load(runtime_.files, kIdentityLimit));
    if (contents) return std::optional(SecretBytes(std::move(contents->front())));
    auto pending = TRY(load_pending());
    if (!pending) return std::optional<SecretBytes>();
    return std::optional(std::move(pending->key_pem));
  }

  Status write_pending(const std::string& certificate_pem) override {
    auto key = TRY(load_pending_key());
    if (!key) return fail(ErrorCode::not_found, "no pending key in '" + directory_ + "'");
    {
      durable::StoreWriter store = TRY(open());
      TRY(store.stage_pending(change_to({certificate_pem, std::move(*key)})));
    }
    // The pending generation has the key too: its draft goes now, or with what is pending.
    return draft_.remove(runtime_);
  }

  Result<std::optional<Identity>> load_pending() override {
    auto control = runtime_.files.open_directory(fs::join_path(directory_, durable::kControlDirectory));
    if (!control && control.error().code == ErrorCode::not_found) return std::optional<Identity>();
    if (!control) return fail(std::move(control).error());
    const auto pending = TRY(durable::read_pointer(**control, durable::kPendingPointer));
    if (!pending) return std::optional<Identity>();
    const durable::Snapshot snapshot = TRY(durable::Snapshot::open_generation(**control, *pending));
    Identity identity = TRY(read_identity(snapshot));
    return std::optional(std::move(identity));
  }

  Status drop_pending_certificate() override {
    const auto pending = TRY(load_pending());
    if (!pending) return {};
    // Whenever this is cut off, the key is in one of both; recover() takes the draft of a pending generation away.
    TRY(draft_.save(runtime_, {pending->key_pem.reveal()}));
    return discard_generation();
  }

  Status cleanup_pending() override {
    TRY(discard_generation());
    return draft_.remove(runtime_);
  }

  Status atomic_swap() override {
    durable::StoreWriter store = TRY(open());
    if (!store.pending()) return fail(ErrorCode::not_found, "no pending certificate to swap");
    auto swapped = store.promote_pending();
    if (swapped) return {};
    Error error = std::move(swapped).error();
    if (error.code == ErrorCode::commit_uncertain || !store.live()) return fail(std::move(error));
    if (const Status discarded = store.discard_pending(); !discarded)
      error.hint = "and what is pending could not be taken away: " + discarded.error().message;
    return fail(std::move(error));
  }

  Result<bool> has_previous() override {
    const std::optional<Identity> live = TRY(load());
    if (!live) return false;
    const durable::StoreWriter store = TRY(open());
    return previous_of(store).has_value();
  }

  Status rollback() override {
    const std::optional<Identity> live = TRY(load());
    if (!live) return fail(ErrorCode::not_found, "nothing to roll back to");
    durable::StoreWriter store = TRY(open());
    const auto previous = previous_of(store);
    if (!previous) return fail(ErrorCode::not_found, "nothing to roll back to");
    TRY(store.roll_back(previous));
    const Status forgotten = forget_newer(store);
    if (forgotten) return {};
    return fail(ErrorCode::committed_not_delivered,
                "the identity before is live again, but the other could not be removed: " + forgotten.error().message,
                "the next start removes it");
  }

  Status destroy_previous() override {
    const std::optional<Identity> live = TRY(load());
    if (!live) return {};
    durable::StoreWriter store = TRY(open());
    return collect(store);
  }

  Result<std::vector<std::string>> recover() override {
    const auto control = runtime_.files.open_directory(fs::join_path(directory_, durable::kControlDirectory));
    if (!control && control.error().code == ErrorCode::not_found) return std::vector<std::string>();
    if (!control) return fail(control.error());
    {
      // Opening it as a writer recovers it.
      durable::StoreWriter store = TRY(open());
      TRY(forget_newer(store));
    }
    // A key whose certificate came is in the pending generation, or live.
    const std::optional<Identity> pending = TRY(load_pending());
    const auto draft = TRY(draft_.load(runtime_.files, kIdentityLimit));
    if (pending || !draft) TRY(draft_.remove(runtime_));
    return std::vector<std::string>();
  }

  [[nodiscard]] std::string active_cert_path() const override { return fs::join_path(directory_, kCert); }
  [[nodiscard]] std::string active_key_path() const override { return fs::join_path(directory_, kKey); }
  [[nodiscard]] std::string pending_cert_path() const override { return pending_path(kCert); }
  [[nodiscard]] std::string pending_key_path() const override { return pending_path(kKey); }

  Result<std::uint64_t> generation() override {
    const auto snapshot = durable::Snapshot::open(runtime_.files, directory_);
    if (snapshot) return snapshot->generation();
    if (snapshot.error().code == ErrorCode::not_found) return 0;
    return fail(snapshot.error());
  }

 private:
  [[nodiscard]] Result<durable::StoreWriter> open() const {
    return durable::StoreWriter::open(runtime_, directory_, store_options());
  }

  [[nodiscard]] std::string pending_path(const char* name) const {
    return fs::join_path(fs::join_path(fs::join_path(directory_, durable::kControlDirectory), durable::kPendingPointer),
                         name);
  }

  static std::optional<durable::Generation> previous_of(const durable::StoreWriter& store) {
    std::optional<durable::Generation> previous;
    for (const durable::Generation generation : store.history()) {
      if (generation < store.live().value_or(0)) previous = generation;
    }
    return previous;
  }

  Status discard_generation() {
    const std::optional<Identity> pending = TRY(load_pending());
    if (!pending) return {};
    durable::StoreWriter store = TRY(open());
    return store.discard_pending();
  }

  // A key that was to be destroyed must not come back with a power cut.
  Status collect(durable::StoreWriter& store) {
    TRY(store.collect());
    return make_removals_durable(store);
  }

  Status forget_newer(durable::StoreWriter& store) {
    TRY(store.forget_newer());
    return make_removals_durable(store);
  }

  Status make_removals_durable(const durable::StoreWriter& store) {
    const std::unique_ptr<fs::Directory> control =
        TRY(runtime_.files.open_directory(fs::join_path(store.path(), durable::kControlDirectory)));
    return control->sync();
  }

  durable::Runtime& runtime_;
  std::string directory_;
  durable::Draft draft_;
};

}  // namespace

std::unique_ptr<IdentityStorage> make_generation_storage(durable::Runtime& runtime, const std::string& directory) {
  return std::make_unique<GenerationStorage>(runtime, directory);
}

std::unique_ptr<IdentityStorage> make_storage(durable::Runtime& runtime, const DeviceSettings& settings) {
  return settings.storage == StorageKind::generations ? make_generation_storage(runtime, settings.directory)
                                                      : make_file_storage(runtime, settings.cert, settings.key);
}

}  // namespace lockstep::device
