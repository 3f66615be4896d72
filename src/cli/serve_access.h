// The files that say who may do what at the status service: its token, the CA of its clients, what that CA revoked.
#pragma once

#include <optional>
#include <string>

#include "cli/context.h"
#include "service/access.h"

namespace lockstep::cli {

// What the rules were read from, to be read again while the service runs.
class AccessFiles {
 public:
  struct Paths {
    std::string token;
    std::string anchors;       // PEM; empty: nobody comes with a certificate
    std::string lists;         // PEM or DER; empty: none
    bool lists_needed = true;  // false: a list that is not there yet has revoked nobody
    bool operator==(const Paths&) const = default;
  };
  AccessFiles(Context& context, bool free_reading) : context_(context), free_reading_(free_reading) {}

  // All but the token, which read() makes where there is none. Errors name the option.
  Status check(const Paths& paths);
  // The rules, if the files say something else than at the last call. On an error they are what they were.
  Result<std::optional<service::AccessRules>> read(const Paths& paths);
  // Whether the last read() made the token, and its text.
  [[nodiscard]] const service::AccessToken& token() const { return token_; }

 private:
  struct Texts {
    std::string anchors;
    std::optional<std::string> lists;
    bool operator==(const Texts&) const = default;
  };
  Result<Texts> read_texts(const Paths& paths);

  Context& context_;
  bool free_reading_;
  std::optional<Texts> read_;
  service::AccessToken token_;
};

}  // namespace lockstep::cli
