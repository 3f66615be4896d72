// An ACME CA as the issuer of a device's identity: what is ordered once stays ordered once.
#include "agent/identity_order.h"

#include <gtest/gtest.h>

#include "agent/scripted_ca_fixture.h"
#include "testing/machine.h"
#include "testing/sim_file_system.h"
#include "x509/pem.h"
#include "x509/request.h"

namespace lockstep::agent {
namespace {

using lockstep::testing::Machine;
using lockstep::testing::SimFileSystem;

class NoPrograms final : public fs::ProgramRunner {
 public:
  Result<fs::ProgramResult> run(const fs::ProgramCall& call) override {
    return fail(ErrorCode::not_found, "'" + call.arguments.front() + "' is not expected to be run");
  }
};

// Reaches the CA until `failing` is in what is asked for.
class Line final : public http::Client {
 public:
  Line(ScriptedCa& ca, const std::string& failing) : ca_(ca), failing_(failing) {}
  Result<http::Response> send(const http::Request& request) override {
    if (!failing_.empty() && request.url.find(failing_) != std::string::npos)
      return fail(ErrorCode::network, "the line is dead");
    return ca_.answer(request);
  }

 private:
  ScriptedCa& ca_;
  const std::string& failing_;
};

class IdentityOrders : public ::testing::Test {
 protected:
  IdentityOrders() {
    disk.make_directories("/srv/www");
    surroundings.make_client = [this](const http::ClientOptions&) -> Result<std::unique_ptr<http::Client>> {
      return std::make_unique<Line>(ca, failing);
    };
    surroundings.make_solver = [this](const ChallengeSettings& settings) {
      return make_solver(surroundings.runtime, programs, settings);
    };
    settings.server = kScriptedDirectory;
    settings.challenge = {.kind = ChallengeKind::webroot, .where = "/srv/www"};
  }

  static std::string request_for(const std::vector<std::string>& names) {
    std::vector<x509::AlternativeName> all;
    for (const std::string& name : names) all.push_back(x509::parse_alternative_name(name).value());
    const auto der = x509::make_request(x509::Name(), all, lockstep::testing::make_key());
    return x509::encode_pem("CERTIFICATE REQUEST", der.value());
  }

  // In a run of its own: nothing but the disk goes from one to the next.
  Result<device::Issued> ask(const std::string& request_pem, const std::string& replaces = "11") {
    Toolbox toolbox(surroundings, {.contacts = {}, .terms_agreed = true});
    const auto issuer = make_acme_issuer(toolbox, settings, "/srv/device");
    return issuer->request({.request_pem = request_pem, .replaces = replaces}, nullptr);
  }
  std::size_t proofs() {
    std::size_t count = 0;
    for (const auto& [path, entry] : disk.dump())
      count += path.starts_with("/srv/www/") && entry.type == fs::FileType::regular ? 1 : 0;
    return count;
  }

  SimFileSystem disk;
  Machine machine{disk};
  NoPrograms programs;
  ScriptedCa ca{{}};
  std::string failing;
  CertificateSettings settings;
  Surroundings surroundings{.runtime = machine.runtime,
                            .root = "/srv",
                            .programs = programs,
                            .make_client = {},
                            .make_solver = {},
                            .find_group = {},
                            .program = "lockstep",
                            .say = [](const std::string&, const std::string&) {}};
};

TEST_F(IdentityOrders, TheSameRequestAgainIsTheSameCertificate) {
  const std::string request = request_for({"DNS:pump-7.example"});
  const auto first = ask(request);
  ASSERT_TRUE(first) << first.error().message;
  const auto again = ask(request);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(first->certificate_pem, again->certificate_pem);
  EXPECT_EQ(ca.orders_placed(), 1);
  EXPECT_EQ(ca.certificates_issued(), 1);
  EXPECT_EQ(proofs(), 0U);
}

TEST_F(IdentityOrders, AKeyThatIsKeptAsksAnewForTheNextRenewal) {
  const std::string request = request_for({"DNS:pump-7.example"});
  ASSERT_TRUE(ask(request, "11"));
  ASSERT_TRUE(ask(request, "77"));
  EXPECT_EQ(ca.orders_placed(), 2);
}

TEST_F(IdentityOrders, ARunThatIsCutOffIsGoneOnWith) {
  const std::string request = request_for({"DNS:pump-7.example", "IP:192.0.2.7"});
  for (const char* where : {"/proof/0", "/look/1", "/finalize", "/certificate"}) {
    failing = where;
    const auto cut_off = ask(request);
    ASSERT_FALSE(cut_off) << where;
    EXPECT_EQ(cut_off.error().code, ErrorCode::network) << where;
  }
  failing.clear();
  const auto done = ask(request);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(ca.orders_placed(), 1);
  EXPECT_EQ(ca.certificates_issued(), 1);
  EXPECT_EQ(proofs(), 0U);
}

TEST_F(IdentityOrders, ADeviceWithoutANameIsNoneForAnAcmeCa) {
  for (const std::vector<std::string>& names : {std::vector<std::string>{}, {"URI:urn:device:7"}}) {
    const auto refused = ask(request_for(names));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(ca.orders_placed(), 0);
  }
}

}  // namespace
}  // namespace lockstep::agent
