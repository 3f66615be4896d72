// The client over libcurl: connections are kept and used again, each by one thread at a time.
#include <algorithm>
#include <mutex>

#include "http/client.h"
#include "http/curl_library.h"

namespace lockstep::http {

namespace {

constexpr std::size_t kHeaderLimit = 64U * 1024U;  // bytes of all headers of one answer
constexpr std::size_t kKeptHandles = 16;

struct FreeList {
  const CurlLibrary* library;
  void operator()(curl_slist* list) const { library->slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, FreeList>;

struct FreeHandle {
  const CurlLibrary* library;
  void operator()(CURL* handle) const { library->easy_cleanup(handle); }
};
using Handle = std::unique_ptr<CURL, FreeHandle>;

// What the callbacks of one exchange write to.
struct Exchange {
  Response response;
  std::size_t body_limit = 0;
  std::size_t header_bytes = 0;
  bool too_large = false;
};

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* to) {
  auto* exchange = static_cast<Exchange*>(to);
  const std::size_t bytes = size * count;
  if (exchange->response.body.size() + bytes > exchange->body_limit) {
    exchange->too_large = true;
    return 0;  // ends the exchange with CURLE_WRITE_ERROR
  }
  exchange->response.body.append(data, bytes);
  return bytes;
}

std::size_t take_header(char* data, std::size_t size, std::size_t count, void* to) {
  auto* exchange = static_cast<Exchange*>(to);
  const std::size_t bytes = size * count;
  exchange->header_bytes += bytes;
  if (exchange->header_bytes > kHeaderLimit) {
    exchange->too_large = true;
    return 0;
  }
  std::string_view line(data, bytes);
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) {
    exchange->response.headers.clear();  // of an interim answer (100 Continue)
    return bytes;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return bytes;
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  exchange->response.headers.emplace_back(std::move(name), value);
  return bytes;
}

std::string host_of(const std::string& url) {
  const std::size_t begin = url.find("://") + 3;
  return url.substr(begin, url.find_first_of("/?", begin) - begin);
}

// Which of our errors a failed exchange is, with what a person can do about it.
Error transport_error(const std::string& url, CURLcode code, const std::string& detail) {
  const std::string what = "cannot reach " + host_of(url) + ": " + detail;
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
      return {ErrorCode::untrusted, "the certificate of " + host_of(url) + " is not trusted: " + detail,
              "for a private CA give its root with --ca-bundle", 0};
    case CURLE_SSL_CACERT_BADFILE:
      return {ErrorCode::invalid_argument, "the CA bundle cannot be read: " + detail, "check --ca-bundle", 0};
    case CURLE_SSL_CERTPROBLEM:
      return {ErrorCode::untrusted, "the client certificate for " + host_of(url) + " cannot be used: " + detail,
              "its certificate and key must be PEM and belong together", 0};
    case CURLE_OPERATION_TIMEDOUT:
      return {ErrorCode::timed_out, what, "try again later; a longer timeout waits longer for each answer", 0};
    case CURLE_COULDNT_RESOLVE_HOST: return {ErrorCode::network, what, "check the name and this machine's DNS", 0};
    case CURLE_OUT_OF_MEMORY: return {ErrorCode::resource_exhausted, what, "", 0};
    case CURLE_URL_MALFORMAT: return {ErrorCode::invalid_argument, what, "", 0};
    default: return {ErrorCode::network, what, "", 0};
  }
}

class CurlClient : public Client {
 public:
  CurlClient(const CurlLibrary* library, ClientOptions options) : library_(library), options_(std::move(options)) {}

  Result<Response> send(const Request& request) override {
    TRY(check_url(request.url, options_.insecure_http));
    Handle handle = TRY(take_handle());
    Exchange exchange{.response = {}, .body_limit = options_.body_limit};
    std::string detail(CURL_ERROR_SIZE, '\0');
    const List headers = TRY(header_list(request));
    configure(handle.get(), request, headers.get(), &exchange, detail.data());
    const CURLcode code = library_->easy_perform(handle.get());
    if (exchange.too_large) {
      return fail(ErrorCode::too_large, "the answer of " + host_of(request.url) + " is larger than " +
                                            std::to_string(options_.body_limit) + " bytes");
    }
    if (code != CURLE_OK) {
      detail.resize(detail.find('\0'));
      // A connection that failed is not used again.
      return fail(transport_error(request.url, code, detail.empty() ? library_->easy_strerror(code) : detail));
    }
    long status = 0;
    library_->easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
    exchange.response.status = static_cast<int>(status);
    give_back(std::move(handle));
    return std::move(exchange.response);
  }

 private:
  Result<Handle> take_handle() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        Handle handle = std::move(idle_.back());
        idle_.pop_back();
        return handle;
      }
    }
    Handle handle(library_->easy_init(), FreeHandle{library_});
    if (!handle) return fail(ErrorCode::resource_exhausted, "libcurl cannot make a handle");
    return handle;
  }

  void give_back(Handle handle) {
    library_->easy_reset(handle.get());  // keeps connections, sessions and the DNS cache
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kKeptHandles) idle_.push_back(std::move(handle));
  }

  Result<List> header_list(const Request& request) const {
    List list(nullptr, FreeList{library_});
    const auto append = [&](const std::string& line) -> Status {
      curl_slist* longer = library_->slist_append(list.get(), line.c_str());
      if (longer == nullptr) return fail(ErrorCode::resource_exhausted, "out of memory");
      static_cast<void>(list.release());
      list.reset(longer);
      return {};
    };
    for (const auto& [name, value] : request.headers) TRY(append(name + ": " + value));
    TRY(append("Expect:"));  // no extra round trip before a body
    return list;
  }

  void configure(CURL* handle, const Request& request, curl_slist* headers, Exchange* exchange, char* detail) const {
    // Options that take constants cannot fail; those that copy texts fail only without memory, and then the exchange
    // does.
    const auto set = [&](CURLoption option, auto value) { library_->easy_setopt(handle, option, value); };
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_ERRORBUFFER, detail);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_PROTOCOLS_STR, options_.insecure_http ? "https,http" : "https");
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout.count()));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(options_.timeout.count()));
    set(CURLOPT_USERAGENT, options_.user_agent.c_str());
    set(CURLOPT_HTTPHEADER, headers);
    set(CURLOPT_WRITEFUNCTION, take_body);
    set(CURLOPT_WRITEDATA, exchange);
    set(CURLOPT_HEADERFUNCTION, take_header);
    set(CURLOPT_HEADERDATA, exchange);
    if (!options_.ca_bundle.empty()) {
      set(CURLOPT_CAINFO, options_.ca_bundle.c_str());
      set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    }
    if (options_.identity != nullptr) {
      // Kept alive by the options; libcurl reads them in place.
      const auto blob = [](std::string_view pem) {
        return curl_blob{const_cast<char*>(pem.data()), pem.size(), CURL_BLOB_NOCOPY};
      };
      curl_blob certificate = blob(options_.identity->certificate_pem);
      curl_blob key = blob(options_.identity->key_pem.reveal());
      set(CURLOPT_SSLCERT_BLOB, &certificate);
      set(CURLOPT_SSLKEY_BLOB, &key);
    }
    if (request.method == "HEAD") set(CURLOPT_NOBODY, 1L);
    if (request.method == "POST") {
      set(CURLOPT_POST, 1L);
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      set(CURLOPT_POSTFIELDS, request.body.data());
    }
  }

  const CurlLibrary* library_;
  ClientOptions options_;
  std::mutex mutex_;
  std::vector<Handle> idle_;
};

}  // namespace

Result<std::unique_ptr<Client>> make_client(ClientOptions options) {
  const CurlLibrary* library = TRY(curl_library());
  return std::make_unique<CurlClient>(library, std::move(options));
}

}  // namespace lockstep::http
