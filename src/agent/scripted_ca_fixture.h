// An ACME CA behind the HTTP client's interface, for tests: one account, one order after another, http-01, and a chain
// from a test PKI. It believes every proof and checks no signature; those are Pebble's part.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

#include "base/base64.h"
#include "http/client.h"
#include "testing/authority.h"
#include "x509/pem.h"
#include "x509/request.h"

namespace lockstep::agent {

inline constexpr const char* kScriptedDirectory = "https://ca.test/directory";

class ScriptedCa {
 public:
  // Serials and lifetimes of what it issues; `now` is the time that certificates are valid from.
  struct Script {
    std::string serial = "77";
    UnixSeconds now = testing::kTestTime;
    std::int64_t lifetime = 90 * testing::kDay;
  };
  explicit ScriptedCa(Script script) : script_(std::move(script)) {}

  http::Response answer(const http::Request& request) {
    const std::lock_guard lock(mutex_);
    const std::string path = request.url.substr(std::string_view("https://ca.test").size());
    if (path == "/directory") return json_answer(200, directory());
    if (path == "/nonce") return with_nonce({.status = 200});
    const auto jws = nlohmann::json::parse(request.body);
    const std::string payload = base64url_decode(jws.at("payload").get<std::string>()).value();
    if (path == "/account" || path.starts_with("/account/"))
      return created("/account/1", {{"status", "valid"}, {"contact", nlohmann::json::array()}}, path == "/account");
    if (path == "/key-change") return json_answer(200, nlohmann::json::object());
    if (path == "/order") {
      wanted_ = nlohmann::json::parse(payload).at("identifiers");
      ++placed_;
      return created(order_path(), order(), true);
    }
    if (path == order_path()) return json_answer(200, order());
    if (path.starts_with("/proof/")) return json_answer(200, authorization(path));
    if (path.starts_with("/look/")) {
      proved_.insert_or_assign("/proof/" + path.substr(6), true);
      return json_answer(200, {{"type", "http-01"}, {"url", request.url}, {"status", "processing"}, {"token", "t"}});
    }
    if (path == "/finalize/1") {
      issue(base64url_decode(nlohmann::json::parse(payload).at("csr").get<std::string>()).value());
      return json_answer(200, order());
    }
    if (path == "/certificate/1") return with_nonce({.status = 200, .headers = {}, .body = chain_});
    return json_answer(404, {{"type", "urn:ietf:params:acme:error:malformed"}, {"detail", "no such thing"}});
  }

  [[nodiscard]] int orders_placed() const { return placed_; }
  [[nodiscard]] int certificates_issued() const { return issued_; }

  // Made once, so that what is issued verifies against one root in a whole test program.
  static const testing::Authority& root() {
    static const testing::Authority made = testing::make_root("CN=Scripted root");
    return made;
  }

 private:
  // Another order for another certificate.
  [[nodiscard]] std::string order_path() const { return "/order/" + script_.serial; }
  static std::string at(const std::string& path) { return "https://ca.test" + path; }

  static nlohmann::json directory() {
    return {{"newNonce", at("/nonce")},
            {"newAccount", at("/account")},
            {"newOrder", at("/order")},
            {"revokeCert", at("/revoke")},
            {"keyChange", at("/key-change")}};
  }

  http::Response with_nonce(http::Response response) {
    response.headers.emplace_back("replay-nonce", "nonce-" + std::to_string(++nonces_));
    return response;
  }
  http::Response json_answer(int status, const nlohmann::json& document) {
    return with_nonce({.status = status, .headers = {{"content-type", "application/json"}}, .body = document.dump()});
  }
  http::Response created(const std::string& path, const nlohmann::json& document, bool is_new) {
    http::Response response = json_answer(is_new ? 201 : 200, document);
    response.headers.emplace_back("location", at(path));
    return response;
  }

  // An order of an earlier object is known too: the CA's memory is longer than a run's.
  nlohmann::json order() {
    if (wanted_.is_null()) wanted_ = {{{"type", "dns"}, {"value", "host.example"}}};
    nlohmann::json document = {
        {"identifiers", wanted_}, {"authorizations", nlohmann::json::array()}, {"finalize", at("/finalize/1")}};
    bool ready = true;
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
      const std::string path = "/proof/" + std::to_string(i);
      document["authorizations"].push_back(at(path));
      ready = ready && proved_.contains(path);
    }
    document["status"] = !chain_.empty() ? "valid" : ready ? "ready" : "pending";
    if (!chain_.empty()) document["certificate"] = at("/certificate/1");
    return document;
  }

  nlohmann::json authorization(const std::string& path) {
    const std::size_t index = std::stoul(path.substr(std::string_view("/proof/").size()));
    const char* status = proved_.contains(path) ? "valid" : "pending";
    return {{"status", status},
            {"identifier", wanted_.at(index)},
            {"challenges",
             {{{"type", "http-01"},
               {"url", at("/look/" + std::to_string(index))},
               {"token", "token-" + std::to_string(index)},
               {"status", status}}}}};
  }

  void issue(const std::string& request_der) {
    const auto request = x509::parse_request(request_der, "the request");
    ASSERT_TRUE(request) << request.error().message;
    ASSERT_TRUE(x509::verify_request(*request));
    x509::CertificateFields fields;
    fields.serial = script_.serial;
    fields.subject_der = request->subject.der();
    fields.issuer_der = root().certificate.subject.der();
    fields.not_before = script_.now - 60;
    fields.not_after = script_.now + script_.lifetime;
    fields.public_key_info = request->public_key_info;
    fields.subject_key_id = x509::key_identifier(request->public_key_info).value();
    fields.authority_key_id = root().certificate.subject_key_id;
    fields.alternative_names_der = request->alternative_names_der;
    const auto der = x509::sign_certificate(fields, root().key);
    ASSERT_TRUE(der) << der.error().message;
    chain_ = x509::encode_pem("CERTIFICATE", *der) + x509::encode_pem("CERTIFICATE", root().certificate.der);
    ++issued_;
  }

  Script script_;
  std::mutex mutex_;
  nlohmann::json wanted_;
  std::map<std::string, bool> proved_;
  std::string chain_;
  int nonces_ = 0;
  int placed_ = 0;
  int issued_ = 0;
};

// What http::make_client gives when the network is that CA.
class ScriptedClient final : public http::Client {
 public:
  explicit ScriptedClient(ScriptedCa& ca) : ca_(ca) {}
  Result<http::Response> send(const http::Request& request) override { return ca_.answer(request); }

 private:
  ScriptedCa& ca_;
};

}  // namespace lockstep::agent
