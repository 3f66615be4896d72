// lockstep ca request: a key and a certificate request for it, both or neither.
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/store_paths.h"
#include "durable/publish.h"
#include "x509/pem.h"
#include "x509/request.h"

namespace lockstep::cli {

namespace {

struct Options {
  std::string subject;
  std::string out_key;
  std::string out_csr;
  std::vector<std::string> names;
  std::string algorithm = "ecdsa-p256";
  bool force = false;
};

constexpr std::size_t kMostNames = 1000;

Result<int> run_request(Context& context, const Options& options) {
  const crypto::KeyAlgorithm algorithm =
      TRY(as_usage(crypto::parse_key_algorithm(options.algorithm), "--key-algorithm"));
  const x509::Name subject = TRY(as_usage(x509::Name::parse_text(options.subject), "--subject"));
  std::vector<x509::AlternativeName> names;
  if (options.names.size() > kMostNames) {
    return fail(ErrorCode::usage, "--san: more than " + std::to_string(kMostNames) + " names");
  }
  names.reserve(options.names.size());
  for (const std::string& text : options.names) {
    names.push_back(TRY(as_usage(x509::parse_alternative_name(text), "--san")));
  }
  if (subject.empty() && names.empty()) {
    return fail(ErrorCode::usage, "the request names nobody: give a --subject or at least one --san");
  }
  TRY(refuse_in_store(context, "--out-key", options.out_key));
  TRY(refuse_in_store(context, "--out-csr", options.out_csr));
  durable::Runtime runtime = TRY(context.runtime());
  const crypto::PrivateKey key = TRY(crypto::PrivateKey::generate(algorithm));
  const SecretBytes key_pem = TRY(key.to_pem());
  const std::string der = TRY(x509::make_request(subject, names, key));
  const std::vector<durable::PublishFile> files = {
      {options.out_key, std::string(key_pem.reveal()), 0600},
      {options.out_csr, x509::encode_pem(x509::kPemRequest, der), 0644},
  };
  TRY(durable::publish(runtime, files, {.replace = options.force}));

  const std::string algorithm_name(crypto::info(algorithm).display_name);
  TRY(context.deliver("CSR generated successfully.\n" + field_lines({{"Subject", subject.to_text()},
                                                                     {"Algorithm", algorithm_name},
                                                                     {"Key", options.out_key},
                                                                     {"CSR", options.out_csr}}),
                      {{"subject", subject.to_text()},
                       {"algorithm", algorithm_name},
                       {"key", options.out_key},
                       {"csr", options.out_csr}},
                      "the key '" + options.out_key + "' and the request '" + options.out_csr + "' were made"));
  return 0;
}

}  // namespace

void add_ca_request(CLI::App& group, Action* action) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = add_command(group, "request", "Make a key and a certificate request (needs no CA)",
                                  "lockstep ca request --subject CN=localhost --san DNS:localhost --san IP:127.0.0.1 "
                                  "--out-key localhost.key --out-csr localhost.csr");
  command->add_option("--subject", options->subject, "The name to be certified, RFC 4514")->required();
  command->add_option("--out-key", options->out_key, "Where the private key goes")->required();
  command->add_option("--out-csr", options->out_csr, "Where the request goes")->required();
  command->add_option("--san", options->names, "DNS:a, IP:b, URI:c or email:d; may be repeated, or a list with commas")
      ->delimiter(',')
      ->allow_extra_args(false);
  command->add_option("--key-algorithm", options->algorithm, "ecdsa-p256 or rsa-2048")->capture_default_str();
  command->add_flag("--force", options->force, "Replace existing files");
  command->callback(
      [options, action] { *action = [options](Context& context) { return run_request(context, *options); }; });
}

}  // namespace lockstep::cli
