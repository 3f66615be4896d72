// libcurl, loaded when it is first used: with the libraries that it brings it would cost every command milliseconds.
#pragma once

#include <curl/curl.h>

#include "base/result.h"

namespace lockstep::http {

struct CurlLibrary {
  decltype(&::curl_global_init) global_init = nullptr;
  decltype(&::curl_easy_init) easy_init = nullptr;
  decltype(&::curl_easy_reset) easy_reset = nullptr;
  decltype(&::curl_easy_setopt) easy_setopt = nullptr;
  decltype(&::curl_easy_perform) easy_perform = nullptr;
  decltype(&::curl_easy_getinfo) easy_getinfo = nullptr;
  decltype(&::curl_easy_cleanup) easy_cleanup = nullptr;
  decltype(&::curl_easy_strerror) easy_strerror = nullptr;
  decltype(&::curl_slist_append) slist_append = nullptr;
  decltype(&::curl_slist_free_all) slist_free_all = nullptr;
};

// The one of this process; safe from several threads. Error: not_found naming what the dynamic linker said.
Result<const CurlLibrary*> curl_library();

}  // namespace lockstep::http
