#include "compiler/tensor/npz.h"

#include "platforms/common/files.h"

#include <algorithm>
#include <array>
#include <list>
#include <memory>
#include <zip.h>

namespace kpu {

namespace {

[[noreturn]] void fail(const location& where, std::string message, std::string text = {}, std::string expected = {}) {
    throw input_error(diagnostic{severity::error, where, std::move(message), std::move(text), std::move(expected), {}});
}

struct discard_archive {
    void operator()(zip_t* archive) const { zip_discard(archive); }
};
struct close_entry {
    void operator()(zip_file_t* file) const { zip_fclose(file); }
};
struct free_source {
    void operator()(zip_source_t* source) const { zip_source_free(source); }
};
using archive_handle = std::unique_ptr<zip_t, discard_archive>;
using entry_handle = std::unique_ptr<zip_file_t, close_entry>;
using source_handle = std::unique_ptr<zip_source_t, free_source>;

std::string reason(zip_error_t& error) {
    std::string out = zip_error_strerror(&error);
    zip_error_fini(&error);
    return out;
}

archive_handle open_archive(std::string_view bytes, const location& where) {
    constexpr std::size_t k_smallest_archive = 22; // libzip takes an empty file for an empty archive
    if (bytes.size() < k_smallest_archive)
        fail(where, "not a readable .npz archive", std::to_string(bytes.size()) + " bytes", "a zip archive");
    zip_error_t error;
    zip_error_init(&error);
    source_handle source(zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error));
    archive_handle archive(source ? zip_open_from_source(source.get(), ZIP_RDONLY | ZIP_CHECKCONS, &error) : nullptr);
    if (!archive)
        fail(where, "not a readable .npz archive", reason(error));
    (void)source.release(); // the archive owns it now
    zip_error_fini(&error);
    return archive;
}

/// Reads one entry front to back and never more than it claims.
class entry_reader {
  public:
    entry_reader(zip_t* archive, zip_uint64_t index, location where)
        : m_file(zip_fopen_index(archive, index, 0)), m_where(std::move(where)) {
        if (!m_file)
            fail(m_where, "cannot read the entry", zip_strerror(archive));
    }

    /// Fewer bytes than `size` only at the entry's end.
    std::size_t read(void* to, std::size_t size) {
        std::size_t done = 0;
        while (done < size) {
            const zip_int64_t n = zip_fread(m_file.get(), static_cast<char*>(to) + done, size - done);
            if (n < 0)
                fail(m_where, "damaged entry", zip_file_strerror(m_file.get()));
            if (n == 0)
                break;
            done += static_cast<std::size_t>(n);
        }
        return done;
    }

  private:
    entry_handle m_file;
    location m_where;
};

npy_array read_entry(zip_t* archive, const zip_stat_t& status, const location& where) {
    entry_reader in(archive, status.index, where);
    std::string front(std::min<std::uint64_t>(status.size, k_longest_npy_header + 12), '\0');
    front.resize(in.read(front.data(), front.size()));
    const npy_header header = parse_npy_header(front, where);
    if (status.size - header.length != header.data_size())
        fail(where, "entry size disagrees with its .npy header", std::to_string(status.size) + " bytes",
             std::to_string(header.length + header.data_size()) + " bytes for shape (" + to_string(header.dims) +
                 ") of '" + header.descr + "'");
    npy_array out{header.descr, header.dims, std::vector<std::byte>(header.data_size())};
    const std::size_t known = std::min(front.size() - header.length, out.data.size());
    std::transform(front.begin() + static_cast<std::ptrdiff_t>(header.length),
                   front.begin() + static_cast<std::ptrdiff_t>(header.length + known), out.data.begin(),
                   [](char c) { return static_cast<std::byte>(c); });
    if (in.read(out.data.data() + known, out.data.size() - known) != out.data.size() - known)
        fail(where, "truncated entry");
    // The checksum is compared when the end is reached, which takes one more read.
    char beyond = 0;
    if (in.read(&beyond, 1) != 0)
        fail(where, "entry is longer than it says");
    return out;
}

zip_stat_t status_of(zip_t* archive, zip_uint64_t index, const location& where) {
    zip_stat_t status;
    zip_stat_init(&status);
    constexpr zip_uint64_t k_needed = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE;
    if (zip_stat_index(archive, index, 0, &status) != 0 || (status.valid & k_needed) != k_needed)
        fail(where, "entry " + std::to_string(index) + " is damaged");
    return status;
}

/// Deflate cannot shrink by more than a factor of 1032: a larger claim is a lie that would cost memory.
bool plausible(const zip_stat_t& status) {
    constexpr std::uint64_t k_best_ratio = 1032;
    return status.comp_size > (std::uint64_t{1} << 50U) || status.size / k_best_ratio <= status.comp_size;
}

std::string key_of(const zip_stat_t& status, const location& where) {
    constexpr std::string_view k_suffix = ".npy";
    std::string name = status.name;
    if (name.size() <= k_suffix.size() || name.compare(name.size() - k_suffix.size(), k_suffix.size(), k_suffix) != 0)
        fail(where, "entry is no .npy array", name);
    name.resize(name.size() - k_suffix.size());
    return name;
}

} // namespace

npz_arrays parse_npz(std::string_view bytes, const location& where, const npz_limits& limits) {
    const archive_handle archive = open_archive(bytes, where);
    const auto count = static_cast<std::uint64_t>(std::max<zip_int64_t>(zip_get_num_entries(archive.get(), 0), 0));
    if (count > limits.most_entries)
        fail(where, "too many arrays", std::to_string(count), "at most " + std::to_string(limits.most_entries));
    npz_arrays out;
    std::uint64_t left = limits.most_bytes;
    for (std::uint64_t i = 0; i < count; ++i) {
        const zip_stat_t status = status_of(archive.get(), i, where);
        location entry = where;
        entry.path = key_of(status, where);
        if (status.size > left || !plausible(status))
            fail(entry, "array too large", std::to_string(status.size) + " bytes");
        left -= status.size;
        if (!out.emplace(entry.path, read_entry(archive.get(), status, entry)).second)
            fail(entry, "two arrays of one name");
    }
    return out;
}

npz_arrays read_npz(const std::string& path) {
    location where;
    where.file = path;
    return parse_npz(read_file(path), where);
}

tensor_map read_npz_tensors(const std::string& path) {
    tensor_map out;
    location where;
    where.file = path;
    for (auto& [key, array] : read_npz(path)) {
        where.path = key;
        out.emplace(key, as_tensor(std::move(array), where));
    }
    return out;
}

namespace {

/// Errors of libzip while an archive is made in memory are exhaustion of memory or limits of the zip format.
[[noreturn]] void cannot_build(const std::string& why) {
    fail({}, "cannot build the .npz archive", why);
}

void add_entry(zip_t* archive, const std::string& key, std::array<zip_buffer_fragment_t, 2>& fragments) {
    source_handle source(zip_source_buffer_fragment(archive, fragments.data(), fragments.size(), 0));
    const zip_int64_t index =
        source ? zip_file_add(archive, (key + ".npy").c_str(), source.get(), ZIP_FL_ENC_UTF_8) : -1;
    if (index < 0)
        cannot_build(zip_strerror(archive));
    (void)source.release(); // the archive owns it now
    const auto at = static_cast<zip_uint64_t>(index);
    constexpr zip_uint16_t k_first_of_january_1980 = 0x21;
    if (zip_set_file_compression(archive, at, ZIP_CM_STORE, 0) != 0 ||
        zip_file_set_dostime(archive, at, 0, k_first_of_january_1980, 0) != 0)
        cannot_build(zip_strerror(archive));
}

std::string content_of(zip_source_t* source) {
    zip_stat_t status;
    zip_stat_init(&status);
    if (zip_source_stat(source, &status) != 0 || zip_source_open(source) != 0)
        cannot_build("no result");
    std::string out(status.size, '\0');
    const zip_int64_t n = zip_source_read(source, out.data(), out.size());
    zip_source_close(source);
    if (n < 0 || static_cast<std::uint64_t>(n) != out.size())
        cannot_build("short result");
    return out;
}

/// What an archive without entries is; libzip removes such an archive instead of writing it.
std::string empty_archive() {
    return "PK\x05\x06" + std::string(18, '\0');
}

} // namespace

std::string npz_bytes(const tensor_map& tensors) {
    if (tensors.empty())
        return empty_archive();
    zip_error_t error;
    zip_error_init(&error);
    const source_handle target(zip_source_buffer_create(nullptr, 0, 0, &error));
    archive_handle archive(target ? zip_open_from_source(target.get(), ZIP_TRUNCATE, &error) : nullptr);
    if (!archive)
        cannot_build(reason(error));
    zip_error_fini(&error);
    zip_source_keep(target.get()); // the archive drops its reference when it is closed
    std::list<std::string> headers;
    for (const auto& [key, value] : tensors) {
        std::string& header = headers.emplace_back(npy_header_bytes(value.type, value.dims));
        // libzip's fragments are not const, though it only reads them.
        std::array<zip_buffer_fragment_t, 2> fragments{
            {{reinterpret_cast<zip_uint8_t*>(header.data()), header.size()},
             {reinterpret_cast<zip_uint8_t*>(const_cast<std::byte*>(value.data.data())), value.data.size()}}};
        add_entry(archive.get(), key, fragments);
    }
    if (zip_close(archive.get()) != 0)
        cannot_build(zip_strerror(archive.get()));
    (void)archive.release();
    return content_of(target.get());
}

void write_npz(const std::string& path, const tensor_map& tensors) {
    write_file(path, npz_bytes(tensors));
}

} // namespace kpu
