#include <cerrno>

#include "device/storage.h"
#include "durable/atomic_file.h"
#include "durable/publish.h"
#include "fs/io.h"

namespace lockstep::device {

namespace {

bool same(const Identity& a, const Identity& b) {
  return a.certificate_pem == b.certificate_pem && a.key_pem.reveal() == b.key_pem.reveal();
}

class FileStorage final : public IdentityStorage {
 public:
  FileStorage(durable::Runtime& runtime, std::string cert, std::string key)
      : runtime_(runtime), live_{std::move(cert), std::move(key)} {}

  Result<std::optional<Identity>> load() override {
    auto halves = TRY(read(live_));
    if (!halves.cert && !halves.key) return std::optional<Identity>();
    if (!halves.cert || !halves.key) {
      return fail(ErrorCode::damaged,
                  "'" + (halves.cert ? live_.key : live_.cert) + "' is missing, but '" +
                      (halves.cert ? live_.cert : live_.key) + "' is there",
                  "put the missing half back, or move the other one away and enroll again");
    }
    return std::optional(Identity{std::move(*halves.cert), SecretBytes(std::move(*halves.key))});
  }

  Status write_pending_key(const SecretBytes& key_pem) override {
    TRY(durable::remove_if_exists(runtime_, pending().cert));
    return durable::atomic_write_bytes(runtime_, pending().key, key_pem.reveal(), {.mode = 0600});
  }

  Result<std::optional<SecretBytes>> load_pending_key() override {
    auto halves = TRY(read(pending()));
    if (!halves.key) return std::optional<SecretBytes>();
    return std::optional(SecretBytes(std::move(*halves.key)));
  }

  Status write_pending(const std::string& certificate_pem) override {
    const auto key = TRY(load_pending_key());
    if (!key) return fail(ErrorCode::not_found, "no pending key in '" + pending().key + "'");
    return durable::atomic_write_bytes(runtime_, pending().cert, certificate_pem, {.mode = 0600});
  }

  Result<std::optional<Identity>> load_pending() override { return load_both(pending()); }

  Status drop_pending_certificate() override { return durable::remove_if_exists(runtime_, pending().cert); }

  Status cleanup_pending() override {
    TRY(durable::remove_if_exists(runtime_, pending().cert));
    return durable::remove_if_exists(runtime_, pending().key);
  }

  Status atomic_swap() override {
    const auto next = TRY(load_pending());
    if (!next) return fail(ErrorCode::not_found, "no pending certificate to swap");
    const auto before = TRY(load());
    // Both halves of the backup or neither; without it there is no swap.
    if (before) TRY(back_up(*before));
    const std::optional<std::uint32_t> cert_mode = before ? std::nullopt : std::optional<std::uint32_t>(0644);
    const std::optional<std::uint32_t> key_mode = before ? std::nullopt : std::optional<std::uint32_t>(0600);
    Status swapped = publish(live_, *next, cert_mode, key_mode);
    if (!swapped) {
      Error error = std::move(swapped).error();
      if (error.code == ErrorCode::commit_uncertain || !before) return fail(std::move(error));
      for (const Status& removed : {cleanup_pending(), destroy_previous()}) {
        if (!removed) error.hint = "and it could not be tidied up: " + removed.error().message;
      }
      return fail(std::move(error));
    }
    const Status tidied = cleanup_pending();
    if (tidied) return {};
    return fail(ErrorCode::committed_not_delivered,
                "the new identity is live, but its pending files could not be removed: " + tidied.error().message,
                "the next start removes them");
  }

  Result<bool> has_previous() override {
    const auto previous = TRY(load_both(backup()));
    return previous.has_value();
  }

  Status rollback() override {
    const auto previous = TRY(load_both(backup()));
    if (!previous) return fail(ErrorCode::not_found, "nothing to roll back to");
    TRY(publish(live_, *previous, {}, {}));
    const Status tidied = destroy_previous();
    if (tidied) return {};
    return fail(ErrorCode::committed_not_delivered,
                "the identity before is live again, but its backup could not be removed: " + tidied.error().message,
                "the next start removes it");
  }

  Status destroy_previous() override {
    TRY(durable::remove_if_exists(runtime_, backup().key));
    return durable::remove_if_exists(runtime_, backup().cert);
  }

  Result<std::vector<std::string>> recover() override {
    std::vector<std::string> done;
    const durable::PublishRecovery recovered =
        TRY(durable::recover_publishes(runtime_, {fs::split_path(live_.key).parent, fs::split_path(live_.cert).parent},
                                       file_storage_names(live_.cert, live_.key)));
    done.reserve(recovered.completed.size() + recovered.restored.size() + 2);
    for (const std::string& path : recovered.completed) done.push_back("completed the change of '" + path + "'");
    for (const std::string& path : recovered.restored) done.push_back("took back the change of '" + path + "'");
    const auto live = TRY(load());
    const Halves waiting = TRY(read(pending()));
    const auto next = TRY(load_both(pending()));
    if ((waiting.cert && !waiting.key) || (next && !is_pair(*next)) || (next && live && same(*next, *live))) {
      TRY(cleanup_pending());
      done.emplace_back("removed what was pending: it is live, or it is half of something");
    }
    const Halves kept = TRY(read(backup()));
    const auto previous = TRY(load_both(backup()));
    if (kept.cert.has_value() != kept.key.has_value() || (previous && live && same(*previous, *live))) {
      TRY(destroy_previous());
      done.emplace_back("removed a backup of what is live, or half of one");
    }
    return done;
  }

  [[nodiscard]] std::string active_cert_path() const override { return live_.cert; }
  [[nodiscard]] std::string active_key_path() const override { return live_.key; }
  [[nodiscard]] std::string pending_cert_path() const override { return pending().cert; }
  [[nodiscard]] std::string pending_key_path() const override { return pending().key; }
  Result<std::uint64_t> generation() override { return 0; }

 private:
  struct Paths {
    std::string cert, key;
  };
  struct Halves {
    std::optional<std::string> cert, key;
  };

  [[nodiscard]] Paths pending() const { return {live_.cert + ".pending", live_.key + ".pending"}; }
  [[nodiscard]] Paths backup() const { return {live_.cert + ".backup", live_.key + ".backup"}; }

  [[nodiscard]] Result<std::optional<std::string>> read_one(const std::string& path) const {
    auto content = fs::read_input(runtime_.files, path, kIdentityLimit);
    if (!content && content.error().system_errno == ENOENT) return std::optional<std::string>();
    if (!content) return fail(std::move(content).error());
    return std::optional(std::move(*content));
  }

  [[nodiscard]] Result<Halves> read(const Paths& paths) const {
    Halves halves;
    halves.cert = TRY(read_one(paths.cert));
    halves.key = TRY(read_one(paths.key));
    return halves;
  }

  // Nothing when there are not both.
  [[nodiscard]] Result<std::optional<Identity>> load_both(const Paths& paths) const {
    auto halves = TRY(read(paths));
    if (!halves.cert || !halves.key) return std::optional<Identity>();
    return std::optional(Identity{std::move(*halves.cert), SecretBytes(std::move(*halves.key))});
  }

  Status back_up(const Identity& identity) {
    Status kept = publish(backup(), identity, 0600, 0600);
    if (kept) return kept;
    Error error = std::move(kept).error().with_context("the backup of the identity");
    // Whatever becomes of the backup, the identity is the one that it was.
    if (error.code == ErrorCode::commit_uncertain) error.code = ErrorCode::io_error;
    return fail(std::move(error));
  }

  Status publish(const Paths& to, const Identity& identity, std::optional<std::uint32_t> cert_mode,
                 std::optional<std::uint32_t> key_mode) {
    return durable::publish(runtime_, {{to.key, std::string(identity.key_pem.reveal()), key_mode},
                                       {to.cert, identity.certificate_pem, cert_mode}});
  }

  durable::Runtime& runtime_;
  Paths live_;
};

}  // namespace

std::set<std::string> file_storage_names(const std::string& cert, const std::string& key) {
  std::set<std::string> names;
  for (const std::string& path : {cert, key}) {
    const std::string name = fs::split_path(path).name;
    for (const char* suffix : {"", ".pending", ".backup"}) names.insert(name + suffix);
  }
  return names;
}

std::unique_ptr<IdentityStorage> make_file_storage(durable::Runtime& runtime, const std::string& cert,
                                                   const std::string& key) {
  return std::make_unique<FileStorage>(runtime, cert, key);
}

}  // namespace lockstep::device
