// What the device commands share: which device, and the run's surroundings.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "cli/acme_common.h"
#include "cli/context.h"
#include "cli/device_options.h"
#include "device/rotation.h"

namespace lockstep::cli {

// One device with everything that a run needs of the world. Lives as long as the command.
class DeviceRun {
 public:
  // The device of the configuration; without one, the only one that was enrolled here. Errors: not_found when there is
  // none, usage when there are several; those of device_settings.
  static Result<std::unique_ptr<DeviceRun>> of_this_machine(Context& context);
  static Result<std::unique_ptr<DeviceRun>> with(Context& context, const DeviceOptions& options);

  // With the issuer of the settings. Errors: those of making it (a program that is not there, no way of proving names);
  // those of device::rotate.
  Result<device::RotationReport> rotate(const device::RotationOptions& options);
  Status roll_back();
  [[nodiscard]] const device::DeviceSettings& settings() const { return settings_; }
  [[nodiscard]] device::IdentityStorage& storage() { return *storage_; }
  Result<device::Situation> look();
  // After a change that stands: an error is committed_not_delivered, saying that it does.
  Result<device::Situation> look_after(const std::string& change);

 private:
  explicit DeviceRun(Context& context) : context_(context) {}
  Status make_issuer();

  Context& context_;
  std::string root_;
  device::DeviceSettings settings_;
  durable::Runtime runtime_{context_.environment().files, context_.environment().clock, context_.environment().random};
  std::unique_ptr<device::IdentityStorage> storage_;
  std::unique_ptr<AcmeRun> acme_;           // where an ACME CA issues the identity
  std::unique_ptr<device::Issuer> issuer_;  // none as long as nothing is asked of it
};

// What `device status` says, as lines and as a document.
std::string device_text(DeviceRun& run, const device::Situation& situation);
nlohmann::ordered_json device_json(DeviceRun& run, const device::Situation& situation);

}  // namespace lockstep::cli
