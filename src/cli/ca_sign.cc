// lockstep ca sign: certificates for requests; many requests are one commit.
#include <nlohmann/json.hpp>

#include "ca/flat_ledger.h"
#include "ca/operations.h"
#include "cli/commands.h"
#include "cli/store_paths.h"
#include "durable/atomic_file.h"
#include "durable/directories.h"
#include "fs/io.h"

namespace lockstep::cli {

namespace {

constexpr std::size_t kRequestLimit = 1U << 20U;  // bytes of one CSR file
constexpr std::size_t kMostRequests = 100'000;
constexpr std::int64_t kSecondsPerDay = 86400;
constexpr std::size_t kProgressStep = 500;

struct Options {
  std::vector<std::string> files;
  std::string validity = "365";
  std::string profile;
  std::string out;
  std::string out_dir;
  std::string jobs;
};

Result<std::vector<x509::Request>> read_requests(Context& context, const Options& options, unsigned jobs) {
  std::vector<x509::Request> requests(options.files.size());
  TRY(ca::for_each_parallel(options.files.size(), jobs, [&](std::size_t i) -> Status {
    const std::string& name = options.files[i];
    auto bytes = fs::read_input(context.environment().files, name, kRequestLimit);
    if (!bytes) return fail(std::move(bytes).error().with_context("failed to parse CSR from " + name));
    auto request = ca::accept_request(*bytes, name);
    if (!request && options.files.size() > 1 && request.error().message.find(name) == std::string::npos) {
      // Which of many it was is the first thing to know.
      return fail(std::move(request).error().with_context(name));
    }
    if (!request) return fail(std::move(request).error());
    requests[i] = std::move(*request);
    return {};
  }));
  return requests;
}

// The CA's directory holds what the CA writes there: a copy in its certs/ would be taken for one of its own.
Status check_outside_ca(Context& context, const std::string& option, const std::string& directory) {
  fs::FileSystem& files = context.environment().files;
  const std::string data = TRY(context.data_directory());
  const auto ca = files.real_path(data);
  if (!ca) return {};  // that it is not there is said later
  const std::string destination = TRY_CONTEXT(files.real_path(directory), option);
  if (!(destination + "/").starts_with(*ca + "/")) return {};
  return fail(ErrorCode::foreign_file, option + ": '" + destination + "' belongs to the CA, which keeps its own copy",
              "leave the option out, or name a place elsewhere");
}

// What can be known before anything is signed: that the results will have somewhere to go.
Status check_destination(Context& context, const Options& options) {
  if (!options.out.empty() && !options.out_dir.empty()) {
    return fail(ErrorCode::usage, "--out and --out-dir exclude each other");
  }
  if (!options.out.empty() && options.files.size() != 1) {
    return fail(ErrorCode::usage, "--out takes one request; use --out-dir for several");
  }
  if (!options.out.empty()) {
    const durable::ResolvedTarget target =
        TRY_CONTEXT(durable::resolve_target(context.environment().files, options.out), "--out");
    TRY(check_outside_ca(context, "--out", target.directory));
    TRY(refuse_in_store(context, "--out", options.out));
    const std::string path = fs::join_path(target.directory, target.name);
    const auto stat = context.environment().files.stat_path(path);
    if (stat && stat->type != fs::FileType::regular) {
      return fail(ErrorCode::foreign_file, "--out: '" + path + "' is not a regular file; it is not replaced");
    }
    // A slip of the hand must not cost a key or a request.
    const auto before = fs::read_input(context.environment().files, path, kRequestLimit);
    if (before && !before->empty() && !before->starts_with("-----BEGIN CERTIFICATE-----")) {
      return fail(ErrorCode::already_exists, "--out: '" + path + "' is there and is no certificate; it is not replaced",
                  "name another file, or move it away");
    }
  }
  if (!options.out_dir.empty()) {
    TRY_CONTEXT(context.environment().files.open_directory(options.out_dir), "--out-dir");
    TRY(check_outside_ca(context, "--out-dir", options.out_dir));
  }
  return {};
}

// The commit is durable by now: a failure here is a failure to deliver, and says what exists.
Status write_out(durable::Runtime& runtime, const Options& options, const ca::Issued& issued, std::string* path) {
  if (options.out.empty() && options.out_dir.empty()) return {};
  *path = options.out.empty() ? fs::join_path(options.out_dir, ca::serial_to_hex(issued.entry.serial) + ".pem")
                              : options.out;
  Status written = durable::atomic_write_bytes(runtime, *path, issued.pem, {.mode = 0644});
  if (written) return {};
  const std::string serial = ca::serial_to_hex(issued.entry.serial);
  return fail(ErrorCode::committed_not_delivered,
              "certificate " + serial + " was issued, but not written to '" + *path + "': " + written.error().message,
              "it is in the CA: 'lockstep ca show " + serial + "' prints it; do not sign the request again");
}

Result<int> run_sign(Context& context, const Options& options) {
  ca::SignOptions sign;
  sign.policy.validity_seconds = TRY(duration_option(options.validity, "--validity", kSecondsPerDay));
  if (!options.profile.empty()) sign.policy.profile = TRY(ca::parse_profile(options.profile));
  sign.jobs = context.environment().cores;
  if (!options.jobs.empty()) sign.jobs = static_cast<unsigned>(TRY(positive_number(options.jobs, "--jobs", 256)));
  if (options.files.size() > kMostRequests) {
    return fail(ErrorCode::usage, "more than " + std::to_string(kMostRequests) + " requests in one command");
  }
  TRY(check_destination(context, options));
  const std::string directory = TRY(context.data_directory());
  durable::Runtime runtime = TRY(context.runtime());
  ca::FlatLedger ledger(runtime, directory, [&](const std::string& text) { context.warn(text); });
  TRY(ledger.check_initialized());  // that there is a CA is said before anything about the requests
  const std::vector<x509::Request> requests = TRY(read_requests(context, options, sign.jobs));
  if (requests.size() > kProgressStep) {
    sign.progress = [&](std::size_t done) {
      if (done % kProgressStep == 0)
        context.progress("signed " + std::to_string(done) + " of " + std::to_string(requests.size()));
    };
  }
  const std::vector<ca::Issued> issued =
      TRY(ca::sign_requests(ledger, requests, sign, context.environment().clock.now()));
  context.progress("", true);

  std::string text;
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const ca::Issued& certificate : issued) {
    std::string path;
    TRY(write_out(runtime, options, certificate, &path));
    if (path.empty()) path = ledger.certificate_path(certificate.entry.serial);
    const std::string serial = ca::serial_to_hex(certificate.entry.serial);
    const std::string not_after = format_rfc3339(certificate.entry.not_after);
    if (certificate.shortened) {
      context.warn("certificate " + serial + " ends with the CA, at " + not_after);
    }
    text += "Certificate issued successfully.\n" + field_lines({{"Serial", serial},
                                                                {"Subject", certificate.entry.subject},
                                                                {"Not After", not_after},
                                                                {"Certificate", path}});
    list.push_back({{"serial", serial},
                    {"subject", certificate.entry.subject},
                    {"not_after", not_after},
                    {"certificate", path},
                    {"shortened", certificate.shortened}});
  }
  const std::string first = ca::serial_to_hex(issued.front().entry.serial);
  const std::string last = ca::serial_to_hex(issued.back().entry.serial);
  TRY(context.deliver(text, {{"certificates", list}},
                      "certificate" + (first == last ? " " + first : "s " + first + " to " + last) +
                          " issued ('lockstep ca show " + first + "' prints it)"));
  return 0;
}

}  // namespace

void add_ca_sign(CLI::App& group, Action* action) {
  const auto options = std::make_shared<Options>();
  CLI::App* command =
      add_command(group, "sign", "Issue a certificate for each request; one bad request refuses them all",
                  "lockstep ca sign localhost.csr --profile server --out localhost.crt");
  command->add_option("csr-file", options->files, "Requests, PEM or DER")->required();
  command->add_option("--validity", options->validity, "Days, or a duration like 12h")->capture_default_str();
  command->add_option("--profile", options->profile, "server, client or peer: adds the extended key usage");
  command->add_option("--out", options->out, "Also write the certificate to this file (one request)");
  command->add_option("--out-dir", options->out_dir, "Also write SERIAL.pem files to this directory");
  command->add_option("--jobs", options->jobs, "Threads that sign (default: one a core)");
  command->callback(
      [options, action] { *action = [options](Context& context) { return run_sign(context, *options); }; });
}

}  // namespace lockstep::cli
