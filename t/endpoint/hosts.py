# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

"""Prints every host that botocore's endpoint data yields, and its scope.

One line for each host, service and region: the host, the service and the
region that botocore signs for, separated by tabs; then the name under which
the data file has the service.  The service is that of the client's model;
where no client exists, it is what the data file says.
"""

import collections
import os
import sys

import botocore.exceptions
import botocore.loaders
import botocore.regions


def signing_names(loader):
    """Maps endpoint prefixes to the names that their clients sign with."""
    names = collections.defaultdict(set)

    for service in loader.list_available_services('service-2'):
        for version in loader.list_api_versions(service, 'service-2')[-1:]:
            metadata = loader.load_service_model(
                service, 'service-2', version)['metadata']
            prefix = metadata['endpointPrefix']
            names[prefix].add(metadata.get('signingName', prefix))

    return names


def endpoints(resolver, partition, prefix, regions):
    """Yields each endpoint of a service, and its variants.

    Names such as fips-us-east-1, which are older than variants and no
    regions, have none.
    """
    for region in resolver.get_available_endpoints(
            prefix, partition, allow_non_regional=True):
        flags = (False, True) if region in regions else (False,)

        for dualstack in flags:
            for fips in flags:
                try:
                    endpoint = resolver.construct_endpoint(
                        prefix, region, partition,
                        use_dualstack_endpoint=dualstack,
                        use_fips_endpoint=fips)
                except botocore.exceptions.EndpointVariantError:
                    continue

                if endpoint:
                    yield region, endpoint


def scopes(data, names):
    """Yields host, service, region and prefix."""
    resolver = botocore.regions.EndpointResolver(data)

    for partition in data['partitions']:
        for prefix in partition['services']:
            for region, endpoint in endpoints(
                    resolver, partition['partition'], prefix,
                    partition['regions']):
                scope = endpoint.get('credentialScope', {})
                services = names.get(prefix, [scope.get('service', prefix)])

                # as clients do with the old names of FIPS endpoints
                real = region.replace('fips-', '').replace('-fips', '')

                for kind in ('hostname', 'sslCommonName'):
                    host = endpoint.get(kind, '')

                    if (not host or region not in partition['regions']
                            and f'.{region}.' in f'.{host}'):
                        # a pattern, with a name in it that is no region
                        continue

                    for service in services:
                        yield (host, service, scope.get('region', real),
                               prefix)


def main():
    # the data of the package alone, whatever a user has in ~/.aws/models
    loader = botocore.loaders.Loader(
        extra_search_paths=[os.path.join(
            os.path.dirname(botocore.__file__), 'data')],
        include_default_search_paths=False)

    data = loader.load_data('endpoints')

    for line in sorted(set(scopes(data, signing_names(loader)))):
        sys.stdout.write('\t'.join(line) + '\n')


if __name__ == '__main__':
    main()
