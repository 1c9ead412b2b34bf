"""Loading files into a column family: reading, mapping and writing, each a part of its own.

    readers    files of CSV or JSON lines (plain, gzip, zip) -> records
    mapping    a record -> a row key and typed columns
    writer     rows -> batches -> the column family, with bad rows set aside
    progress   what a person or a log sees meanwhile
    job        the whole way, and the way back that compares a file with what is stored
"""
from pycassa.ingest.job import LoadReport, VerifyReport, load, verify
from pycassa.ingest.mapping import RowMapping, infer_types
from pycassa.ingest.readers import BadRecord, InputError, Record, read_records
from pycassa.ingest.writer import BadRows, RowWriter

__all__ = ['BadRecord', 'BadRows', 'InputError', 'LoadReport', 'Record', 'RowMapping', 'RowWriter', 'VerifyReport',
           'infer_types', 'load', 'read_records', 'verify']
