#include "http/curl_library.h"

#include <dlfcn.h>

namespace lockstep::http {

namespace {

constexpr const char* kLibrary = "libcurl.so.4";

std::unexpected<Error> missing() {
  const char* reason = dlerror();
  return fail(ErrorCode::not_found, std::string("cannot load libcurl: ") + (reason == nullptr ? kLibrary : reason),
              "install it: apt-get install libcurl4");
}

template <class Function>
bool find(void* handle, const char* name, Function* function) {
  *function = reinterpret_cast<Function>(dlsym(handle, name));
  return *function != nullptr;
}

Result<CurlLibrary> load() {
  void* handle = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return missing();
  CurlLibrary library;
  const bool complete =
      find(handle, "curl_global_init", &library.global_init) && find(handle, "curl_easy_init", &library.easy_init) &&
      find(handle, "curl_easy_reset", &library.easy_reset) && find(handle, "curl_easy_setopt", &library.easy_setopt) &&
      find(handle, "curl_easy_perform", &library.easy_perform) &&
      find(handle, "curl_easy_getinfo", &library.easy_getinfo) &&
      find(handle, "curl_easy_cleanup", &library.easy_cleanup) &&
      find(handle, "curl_easy_strerror", &library.easy_strerror) &&
      find(handle, "curl_slist_append", &library.slist_append) &&
      find(handle, "curl_slist_free_all", &library.slist_free_all);
  if (!complete) return missing();
  if (library.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    return fail(ErrorCode::resource_exhausted, "libcurl cannot be initialized");
  return library;
}

}  // namespace

Result<const CurlLibrary*> curl_library() {
  static const Result<CurlLibrary> library = load();
  if (!library) return fail(library.error());
  return &*library;
}

}  // namespace lockstep::http
