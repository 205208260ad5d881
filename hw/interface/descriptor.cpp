#include "hw/interface/descriptor.h"

#include <cstring>

namespace kpu::iface {

namespace {

constexpr std::size_t k_header_words = 2 + 2 * k_waits;

/// Fills or reads descriptor words one after the other, so that encode and decode list the fields in the same order.
class word_writer {
  public:
    explicit word_writer(descriptor_words& words, std::size_t at) : m_words(words), m_at(at) {}
    void put(std::uint32_t value) { m_words[m_at++] = value; }
    void put(address value) {
        put(static_cast<std::uint32_t>(value.value()));
        put(static_cast<std::uint32_t>(value.value() >> 32));
    }

  private:
    descriptor_words& m_words;
    std::size_t m_at;
};

class word_reader {
  public:
    explicit word_reader(const descriptor_words& words, std::size_t at) : m_words(words), m_at(at) {}
    std::uint32_t word() { return m_words[m_at++]; }
    address addr() {
        const std::uint64_t low = word();
        return address(low | std::uint64_t{word()} << 32);
    }

  private:
    const descriptor_words& m_words;
    std::size_t m_at;
};

template <class Side>
void put_side(word_writer& out, const Side& side) {
    out.put(side.base);
    for (const std::uint32_t stride : side.stride)
        out.put(stride);
}

template <class Side>
Side read_side(word_reader& in) {
    Side side;
    side.base = in.addr();
    for (std::uint32_t& stride : side.stride)
        stride = in.word();
    return side;
}

/// A number in the place of an address.
address as_address(double value) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    return address(bits);
}

double as_number(address bits) {
    const std::uint64_t raw = bits.value();
    double value = 0;
    std::memcpy(&value, &raw, sizeof value);
    return value;
}

} // namespace

descriptor_words encode(const command_header& header) {
    descriptor_words words{};
    word_writer out(words, 0);
    out.put(static_cast<std::uint32_t>(header.op) | (header.interrupt ? 1u << 8 : 0u));
    out.put(header.tag);
    for (const wait_for& wait : header.waits) {
        out.put(wait.engine.value());
        out.put(wait.count);
    }
    return words;
}

descriptor_words encode(const command_header& header, const copy_operands& copy) {
    descriptor_words words = encode(header);
    word_writer out(words, k_header_words);
    out.put(copy.run);
    for (const std::uint32_t count : copy.count)
        out.put(count);
    put_side(out, copy.source);
    put_side(out, copy.destination);
    return words;
}

descriptor_words encode(const command_header& header, const fold_operands& fold) {
    descriptor_words words = encode(header);
    word_writer out(words, k_header_words);
    out.put(static_cast<std::uint32_t>(fold.type) | static_cast<std::uint32_t>(fold.flow) << 8 |
            (fold.seeded ? 1u << 16 : 0u));
    for (const std::uint32_t extent : {fold.m, fold.n, fold.k})
        out.put(extent);
    for (const address base : {fold.a, fold.b, fold.c, fold.seed})
        out.put(base);
    for (const std::uint32_t further : {fold.count - 1, fold.a_stride, fold.c_stride})
        out.put(further);
    return words;
}

descriptor_words encode(const command_header& header, const vector_operands& vector) {
    descriptor_words words = encode(header);
    word_writer out(words, k_header_words);
    out.put(static_cast<std::uint32_t>(vector.function) | static_cast<std::uint32_t>(vector.from) << 8 |
            static_cast<std::uint32_t>(vector.to) << 16 | vector.shift << 24);
    for (const std::uint32_t count : vector.count)
        out.put(count);
    put_side(out, vector.source);
    put_side(out, vector.destination);
    if (vector.function != vector_function::clamp) {
        put_side(out, vector.operand);
    } else {
        out.put(as_address(vector.low));
        out.put(as_address(vector.high));
    }
    return words;
}

descriptor_words encode(const command_header& header, const fill_operands& fill) {
    descriptor_words words = encode(header);
    word_writer out(words, k_header_words);
    out.put(fill.run);
    for (const std::uint32_t count : fill.count)
        out.put(count);
    out.put(address(fill.pattern));
    put_side(out, fill.destination);
    return words;
}

descriptor_words encode(const command_header& header, const gather_operands& gather) {
    descriptor_words words = encode(header);
    word_writer out(words, k_header_words);
    for (const std::uint32_t number : {gather.run, gather.count, gather.rows})
        out.put(number);
    for (const address word : {address(gather.pitch), gather.indices, gather.source, gather.destination})
        out.put(word);
    return words;
}

command_header decode_header(const descriptor_words& words) {
    word_reader in(words, 0);
    command_header header;
    const std::uint32_t first = in.word();
    header.op = static_cast<opcode>(first & 0xff);
    header.interrupt = (first >> 8 & 1) != 0;
    header.tag = in.word();
    for (wait_for& wait : header.waits) {
        wait.engine = engine_id(static_cast<std::uint16_t>(in.word()));
        wait.count = in.word();
    }
    return header;
}

copy_operands decode_copy(const descriptor_words& words) {
    word_reader in(words, k_header_words);
    copy_operands copy;
    copy.run = in.word();
    for (std::uint32_t& count : copy.count)
        count = in.word();
    copy.source = read_side<copy_side>(in);
    copy.destination = read_side<copy_side>(in);
    return copy;
}

fold_operands decode_fold(const descriptor_words& words) {
    word_reader in(words, k_header_words);
    fold_operands fold;
    const std::uint32_t kinds = in.word();
    fold.type = static_cast<element_type>(kinds & 0xff);
    fold.flow = static_cast<array_dataflow>(kinds >> 8 & 0xff);
    fold.seeded = (kinds >> 16 & 1) != 0;
    for (std::uint32_t* extent : {&fold.m, &fold.n, &fold.k})
        *extent = in.word();
    for (address* base : {&fold.a, &fold.b, &fold.c, &fold.seed})
        *base = in.addr();
    fold.count = in.word() + 1;
    fold.a_stride = in.word();
    fold.c_stride = in.word();
    return fold;
}

vector_operands decode_vector(const descriptor_words& words) {
    word_reader in(words, k_header_words);
    vector_operands vector;
    const std::uint32_t kinds = in.word();
    vector.function = static_cast<vector_function>(kinds & 0xff);
    vector.from = static_cast<element_type>(kinds >> 8 & 0xff);
    vector.to = static_cast<element_type>(kinds >> 16 & 0xff);
    vector.shift = kinds >> 24;
    for (std::uint32_t& count : vector.count)
        count = in.word();
    vector.source = read_side<vector_side>(in);
    vector.destination = read_side<vector_side>(in);
    if (vector.function != vector_function::clamp) {
        vector.operand = read_side<vector_side>(in);
    } else {
        vector.low = as_number(in.addr());
        vector.high = as_number(in.addr());
    }
    return vector;
}

gather_operands decode_gather(const descriptor_words& words) {
    word_reader in(words, k_header_words);
    gather_operands gather;
    for (std::uint32_t* number : {&gather.run, &gather.count, &gather.rows})
        *number = in.word();
    gather.pitch = in.addr().value();
    for (address* where : {&gather.indices, &gather.source, &gather.destination})
        *where = in.addr();
    return gather;
}

fill_operands decode_fill(const descriptor_words& words) {
    word_reader in(words, k_header_words);
    fill_operands fill;
    fill.run = in.word();
    for (std::uint32_t& count : fill.count)
        count = in.word();
    fill.pattern = in.addr().value();
    fill.destination = read_side<copy_side>(in);
    return fill;
}

} // namespace kpu::iface
