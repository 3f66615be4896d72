// The configuration file: whatever stands in it, it is understood or refused with an error that names the file.
#include "cli/configuration.h"
#include "property.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using lockstep::fuzz::require;
  const auto parsed = lockstep::cli::parse_configuration(lockstep::fuzz::text_of(data, size), "lockstep.toml");
  if (!parsed) {
    require(parsed.error().message.find("lockstep.toml") != std::string::npos, "an error names the file",
            parsed.error().message);
    return 0;
  }
  for (const auto& certificate : parsed->certificates)
    require(!certificate.domains.empty(), "a certificate has names", "");
  if (parsed->device) {
    require(!parsed->device->name.empty() && parsed->device->name.find('/') == std::string::npos,
            "a device's name may be a file's", parsed->device->name);
  }
  return 0;
}
