// What `lockstep serve` can be told, on the command line and in [serve] of the configuration file. Empty: not said.
#pragma once

#include <string>
#include <vector>

namespace lockstep::cli {

struct ServeOptions {
  std::string listen;              // default 127.0.0.1:8443
  std::string certificate;         // domain of a certificate folder
  std::string client_ca;           // PEM file
  std::string client_crl;          // PEM or DER file
  std::vector<std::string> hosts;  // further names by which the service is called
  std::string connections;         // default 1024
};

}  // namespace lockstep::cli
