#include "cli/serve_access.h"

#include <cerrno>

#include "fs/io.h"
#include "x509/crl.h"

namespace lockstep::cli {

namespace {

constexpr std::size_t kAnchorBytes = 1U << 20U;
constexpr std::size_t kListBytes = 64U << 20U;

Result<std::vector<x509::Certificate>> parse_anchors(const std::string& pem, const std::string& path) {
  std::vector<x509::Certificate> anchors;
  if (path.empty()) return anchors;
  anchors = TRY_CONTEXT(x509::parse_certificates(pem, path), "--client-ca");
  if (anchors.empty()) return fail(ErrorCode::parse_error, "--client-ca: '" + path + "' holds no certificate");
  return anchors;
}

// A list that none of the anchors has signed is somebody else's.
Result<std::vector<x509::Crl>> parse_lists(const std::optional<std::string>& bytes, const std::string& path,
                                           const std::vector<x509::Certificate>& anchors) {
  std::vector<x509::Crl> lists;
  if (!bytes) return lists;
  x509::Crl list = TRY_CONTEXT(x509::parse_crl(*bytes, path), "--client-crl");
  for (const x509::Certificate& anchor : anchors) {
    if (anchor.subject.der() != list.issuer.der()) continue;
    const bool its_own = TRY(x509::is_signed_by(list, anchor.public_key_info));
    if (!its_own) continue;
    lists.push_back(std::move(list));
    return lists;
  }
  return fail(ErrorCode::untrusted, "--client-crl: '" + path + "' is not a list of the CA that --client-ca names");
}

}  // namespace

Result<AccessFiles::Texts> AccessFiles::read_texts(const Paths& paths) {
  fs::FileSystem& files = context_.environment().files;
  Texts texts;
  if (!paths.anchors.empty())
    texts.anchors = TRY_CONTEXT(fs::read_input(files, paths.anchors, kAnchorBytes), "--client-ca");
  if (paths.lists.empty()) return texts;
  auto list = fs::read_input(files, paths.lists, kListBytes);
  if (!list && !paths.lists_needed && list.error().system_errno == ENOENT) return texts;
  texts.lists = TRY_CONTEXT(std::move(list), "--client-crl");
  return texts;
}

Status AccessFiles::check(const Paths& paths) {
  const Texts texts = TRY(read_texts(paths));
  const auto anchors = TRY(parse_anchors(texts.anchors, paths.anchors));
  TRY(parse_lists(texts.lists, paths.lists, anchors));
  return {};
}

Result<std::optional<service::AccessRules>> AccessFiles::read(const Paths& paths) {
  durable::Runtime runtime = TRY(context_.runtime());
  service::AccessToken token = TRY(service::load_or_make_token(runtime, paths.token));
  Texts texts = TRY(read_texts(paths));
  service::AccessRules rules{.token = SecretBytes(std::string(token.text.reveal())),
                             .free_reading = free_reading_,
                             .anchors = {},
                             .lists = {}};
  rules.anchors = TRY(parse_anchors(texts.anchors, paths.anchors));
  rules.lists = TRY(parse_lists(texts.lists, paths.lists, rules.anchors));
  const bool same = read_ == texts && token.text.reveal() == token_.text.reveal();
  read_ = std::move(texts);
  token_ = std::move(token);
  if (same) return std::optional<service::AccessRules>();
  return std::optional<service::AccessRules>(std::move(rules));
}

}  // namespace lockstep::cli
