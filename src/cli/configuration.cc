#include "cli/configuration.h"

#include <map>
#include <set>
#include <variant>

#include "cli/toml.h"

namespace lockstep::cli {

namespace {

// What a key's value goes to: a text, a switch, or a list of texts (a single text is a list of one).
// A Scalar takes a number or a switch too, as it is written.
struct Scalar {
  std::string* text;
};
using Target = std::variant<std::string*, bool*, std::vector<std::string>*, std::optional<std::string>*, Scalar>;
using Keys = std::map<std::string_view, Target>;

class Reader {
 public:
  explicit Reader(std::string name) : name_(std::move(name)) {}

  [[nodiscard]] std::string at(const toml::source_region& source) const {
    return name_ + ":" + std::to_string(source.begin.line) + ": ";
  }

  // `tables` are read by somebody else.
  Status table(const toml::table& table, const Keys& keys, const std::set<std::string_view>& tables = {}) const {
    for (const auto& [key, value] : table) {
      if (tables.contains(key.str())) continue;
      const auto found = keys.find(key.str());
      if (found == keys.end()) return unknown(key, keys);
      TRY(store(std::string(key.str()), value, found->second));
    }
    return {};
  }

  [[nodiscard]] Status unknown(const toml::key& key, const Keys& keys) const {
    std::string known;
    for (const auto& [name, target] : keys) known += (known.empty() ? "" : ", ") + std::string(name);
    return fail(ErrorCode::invalid_argument, at(key.source()) + "unknown key '" + std::string(key.str()) + "'",
                "the keys are " + known);
  }

  [[nodiscard]] Status wrong(const toml::node& value, const std::string& key, const char* wanted) const {
    return fail(ErrorCode::invalid_argument, at(value.source()) + "'" + key + "' must be " + wanted);
  }

 private:
  Status store(const std::string& key, const toml::node& value, const Target& target) const {
    if (bool* const* flag = std::get_if<bool*>(&target)) {
      if (!value.is_boolean()) return wrong(value, key, "true or false");
      **flag = value.as_boolean()->get();
      return {};
    }
    if (std::vector<std::string>* const* list = std::get_if<std::vector<std::string>*>(&target)) {
      (*list)->clear();
      if (value.is_string()) {
        (*list)->push_back(value.as_string()->get());
        return {};
      }
      const toml::array* array = value.as_array();
      if (array == nullptr) return wrong(value, key, "a text in quotes or a list of them");
      for (const toml::node& one : *array) {
        if (!one.is_string()) return wrong(one, key, "a list of texts in quotes");
        (*list)->push_back(one.as_string()->get());
      }
      return {};
    }
    if (const Scalar* scalar = std::get_if<Scalar>(&target)) return store_scalar(key, value, *scalar);
    if (!value.is_string()) return wrong(value, key, "a text in quotes");
    const std::string text = value.as_string()->get();
    if (text.empty()) return wrong(value, key, "no empty text");
    if (std::string* const* single = std::get_if<std::string*>(&target))
      **single = text;
    else
      *std::get<std::optional<std::string>*>(target) = text;
    return {};
  }

  [[nodiscard]] Status store_scalar(const std::string& key, const toml::node& value, const Scalar& target) const {
    if (value.is_boolean())
      *target.text = value.as_boolean()->get() ? "true" : "false";
    else if (value.is_integer())
      *target.text = std::to_string(value.as_integer()->get());
    else if (value.is_floating_point())
      *target.text = std::to_string(value.as_floating_point()->get());
    else if (value.is_string() && !value.as_string()->get().empty())
      *target.text = value.as_string()->get();
    else
      return wrong(value, key, "a text, a number, true or false");
    return {};
  }

  std::string name_;
};

// What [acme] may say for all certificates, and each [[certificate]] for itself.
Keys certificate_keys(CertificateOptions* options) {
  return {{"http", &options->http},
          {"webroot", &options->webroot},
          {"tls_alpn", &options->tls_alpn},
          {"dns", &options->dns},
          {"dns_server", &options->dns_server},
          {"dns_key", &options->dns_key},
          {"dns_wait", &options->dns_wait},
          {"key_type", &options->key_type},
          {"reuse_key", &options->reuse_key},
          {"profile", &options->profile},
          {"preferred_chain", &options->preferred_chain},
          {"renew_before", &options->renew_before},
          {"group", &options->group},
          {"combined", &options->combined},
          {"nginx_conf", &options->nginx_conf},
          {"pre_hook", &options->pre_hooks},
          {"deploy_hook", &options->deploy_hooks},
          {"post_hook", &options->post_hooks},
          {"failure_hook", &options->failure_hooks},
          {"rollback_on_deploy_failure", &options->rollback},
          {"server", &options->account.server},
          {"ca_bundle", &options->account.ca_bundle},
          {"insecure_http", &options->account.insecure_http}};
}

bool names_a_proof(const toml::table& table) {
  for (const char* key : {"http", "webroot", "tls_alpn", "dns", "dns_server"})
    if (table.contains(key)) return true;
  return false;
}

void forget_proof(CertificateOptions* options) {
  for (std::string* text : {&options->http, &options->webroot, &options->tls_alpn, &options->dns, &options->dns_server,
                            &options->dns_key, &options->dns_wait})
    text->clear();
}

Status read_acme(const Reader& reader, const toml::node& node, CertificateOptions* defaults) {
  const toml::table* table = node.as_table();
  if (table == nullptr) return reader.wrong(node, "acme", "a table: [acme]");
  Keys keys = certificate_keys(defaults);
  keys.insert({{"email", &defaults->account.emails},
               {"agree_tos", &defaults->account.agree_tos},
               {"eab_kid", &defaults->account.eab_key_id},
               {"eab_hmac_file", &defaults->account.eab_hmac_file},
               {"timeout", &defaults->account.timeout}});
  return reader.table(*table, keys);
}

Status read_certificates(const Reader& reader, const toml::node& node, const CertificateOptions& defaults,
                         std::vector<CertificateOptions>* certificates) {
  const toml::array* array = node.as_array();
  if (array == nullptr) return reader.wrong(node, "certificate", "a list of tables: [[certificate]]");
  for (const toml::node& one : *array) {
    const toml::table* table = one.as_table();
    if (table == nullptr) return reader.wrong(one, "certificate", "a list of tables: [[certificate]]");
    CertificateOptions options = defaults;
    // Another way of proving takes the place of the common one, it does not come beside it.
    if (names_a_proof(*table)) forget_proof(&options);
    Keys keys = certificate_keys(&options);
    keys.insert({"names", &options.domains});
    TRY(reader.table(*table, keys));
    if (options.domains.empty())
      return fail(ErrorCode::invalid_argument, reader.at(one.source()) + "a certificate has no 'names'");
    certificates->push_back(std::move(options));
  }
  return {};
}

std::map<std::string_view, Keys> device_tables(DeviceOptions* options) {
  return {{"identity",
           {{"name", &options->name},
            {"storage", &options->storage},
            {"cert", &options->cert},
            {"key", &options->key},
            {"ca", &options->ca},
            {"names", &options->alternative_names},
            {"key_type", &options->key_type}}},
          {"bootstrap", {{"cert", &options->bootstrap_cert}, {"key", &options->bootstrap_key}}},
          {"issuer",
           {{"server", &options->server},
            {"acme", Scalar{&options->acme}},
            {"command", &options->command},
            {"check_url", &options->check_url},
            {"timeout", Scalar{&options->timeout}}}},
          {"recovery", {{"enabled", Scalar{&options->recovery_enabled}}}},
          {"renewal",
           {{"enabled", Scalar{&options->enabled}},
            {"threshold_days", Scalar{&options->threshold_days}},
            {"threshold", Scalar{&options->threshold}},
            {"check_interval", Scalar{&options->check_interval}},
            {"retry_interval", Scalar{&options->retry_interval}},
            {"max_retries", Scalar{&options->max_retries}},
            {"backoff_multiplier", Scalar{&options->backoff_multiplier}},
            {"max_backoff", Scalar{&options->max_backoff}},
            {"reuse_key", Scalar{&options->reuse_key}},
            {"destroy_old_keys", Scalar{&options->destroy_old_keys}},
            {"test_connection", Scalar{&options->test_connection}}}}};
}

Status read_device(const Reader& reader, const toml::node& node, std::optional<DeviceOptions>* device) {
  const toml::table* table = node.as_table();
  if (table == nullptr) return reader.wrong(node, "device", "made of tables: [device.identity]");
  DeviceOptions& options = device->emplace();
  const auto tables = device_tables(&options);
  for (const auto& [key, value] : *table) {
    const auto found = tables.find(key.str());
    if (found == tables.end())
      return fail(ErrorCode::invalid_argument,
                  reader.at(key.source()) + "unknown key '" + std::string(key.str()) + "' in [device]",
                  "its tables are [device.identity], [device.bootstrap], [device.issuer], [device.renewal] and "
                  "[device.recovery]");
    const toml::table* inner = value.as_table();
    if (inner == nullptr)
      return reader.wrong(value, std::string(key.str()), ("a table: [device." + std::string(key.str()) + "]").c_str());
    TRY(reader.table(*inner, found->second));
  }
  // Values are checked where the file is read: a mistake is not found by the first renewal.
  const auto checked = device_settings(options, "/");
  if (!checked) return fail(Error(checked.error()).with_context(reader.at(node.source()) + "[device]"));
  return {};
}

Status read_serve(const Reader& reader, const toml::node& node, ServeOptions* options) {
  const toml::table* table = node.as_table();
  if (table == nullptr) return reader.wrong(node, "serve", "a table: [serve]");
  return reader.table(*table, {{"listen", &options->listen},
                               {"certificate", &options->certificate},
                               {"client_ca", &options->client_ca},
                               {"client_crl", &options->client_crl},
                               {"host", &options->hosts},
                               {"connections", Scalar{&options->connections}}});
}

}  // namespace

Result<Configuration> parse_configuration(std::string_view toml, const std::string& name) {
  const Reader reader(name);
  const toml::parse_result parsed = toml::parse(toml, name);
  if (!parsed) {
    return fail(ErrorCode::invalid_argument,
                reader.at(parsed.error().source()) + std::string(parsed.error().description()));
  }
  Configuration configuration;
  CertificateOptions defaults;
  const Keys known = {{"data_dir", &configuration.data_directory},
                      {"path", &configuration.path},
                      {"lock_timeout", &configuration.lock_timeout},
                      {"log_format", &configuration.log_format}};
  const toml::table& global = parsed.table();  // a copy would not know its lines
  if (const toml::node* acme = global.get("acme")) TRY(read_acme(reader, *acme, &defaults));
  configuration.account = defaults.account;
  configuration.acme = defaults;
  if (const toml::node* list = global.get("certificate"))
    TRY(read_certificates(reader, *list, defaults, &configuration.certificates));
  if (const toml::node* device = global.get("device")) TRY(read_device(reader, *device, &configuration.device));
  if (const toml::node* serve = global.get("serve")) TRY(read_serve(reader, *serve, &configuration.serve));
  const Status read = reader.table(global, known, {"acme", "certificate", "device", "serve"});
  if (!read) {
    Error error = read.error();
    if (!error.hint.empty()) error.hint += ", and the tables [acme], [[certificate]], [device.…] and [serve]";
    return fail(std::move(error));
  }
  if (configuration.log_format && *configuration.log_format != "text" && *configuration.log_format != "json") {
    return fail(ErrorCode::invalid_argument, name + ": 'log_format' must be \"text\" or \"json\"");
  }
  return configuration;
}

}  // namespace lockstep::cli
