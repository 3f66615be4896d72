// One function a command: it declares its arguments and sets `action` when it is the one that was called.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/context.h"

namespace lockstep::cli {

void add_ca_init(CLI::App& group, Action* action);
void add_ca_request(CLI::App& group, Action* action);
void add_ca_sign(CLI::App& group, Action* action);
void add_ca_revoke(CLI::App& group, Action* action);
void add_ca_crl(CLI::App& group, Action* action);
void add_ca_list(CLI::App& group, Action* action);
void add_ca_show(CLI::App& group, Action* action);
void add_ca_verify(CLI::App& group, Action* action);
void add_ca_token(CLI::App& group, Action* action);
void add_ca_device(CLI::App& group, Action* action);
void add_ca_serve(CLI::App& group, Action* action);

void add_cert_obtain(CLI::App& group, Action* action);
void add_cert_renew(CLI::App& group, Action* action);
void add_cert_needs_renewal(CLI::App& group, Action* action);
void add_cert_revoke(CLI::App& group, Action* action);
void add_cert_import(CLI::App& group, Action* action);
void add_cert_list(CLI::App& group, Action* action);
void add_cert_show(CLI::App& group, Action* action);
void add_cert_verify(CLI::App& group, Action* action);
void add_cert_rollback(CLI::App& group, Action* action);

void add_account_register(CLI::App& group, Action* action);
void add_account_show(CLI::App& group, Action* action);
void add_account_update(CLI::App& group, Action* action);
void add_account_rollover(CLI::App& group, Action* action);
void add_account_deactivate(CLI::App& group, Action* action);

void add_device_enroll(CLI::App& group, Action* action);
void add_device_status(CLI::App& group, Action* action);
void add_device_rotate(CLI::App& group, Action* action);
void add_device_rollback(CLI::App& group, Action* action);
void add_device_verify(CLI::App& group, Action* action);

void add_agent_run(CLI::App& group, Action* action);

// `root` is where --path goes.
void add_serve(CLI::App& program, std::string* root, Action* action);
void add_doctor(CLI::App& program, Action* action);
void add_recover(CLI::App& program, Action* action);

// Declares a command with its description and an example that works when pasted.
CLI::App* add_command(CLI::App& group, const std::string& name, const std::string& description,
                      const std::string& example);

// Lets an option be repeated, one value each time, so that it never takes the word after it for another value.
CLI::Option* repeated(CLI::Option* option);

// "  Subject: CN=x" lines.
std::string field_lines(const std::vector<std::pair<std::string, std::string>>& fields);

// What reads an option's or argument's value says what is wrong with it; on the command line that is a usage error.
template <typename T>
Result<T> as_usage(Result<T> value, std::string_view option = {}) {
  if (value) return value;
  Error error = std::move(value).error();
  if (!option.empty()) error = std::move(error).with_context(option);
  error.code = ErrorCode::usage;
  return fail(std::move(error));
}

// A positive whole number of at most `limit`. Error: usage naming the option.
Result<std::int64_t> positive_number(const std::string& text, const std::string& option, std::int64_t limit);

// A duration option: "90d", "12h" or a bare number of `bare_unit` seconds. Error: usage naming the option.
Result<std::int64_t> duration_option(const std::string& text, const std::string& option, std::int64_t bare_unit);

// A text cut for one line of output: control characters replaced.
std::string printable(const std::string& text);

}  // namespace lockstep::cli
